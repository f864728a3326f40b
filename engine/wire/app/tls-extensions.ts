import { u16 } from '../../base/index.ts';
import type { Cursor } from './common.ts';
import { displayText, hexNumber } from './text.ts';
import { TLS_EXTENSIONS, TLS_GROUPS, TLS_SIGNATURES, isGrease, tlsVersionName } from './tls-names.ts';

/** What the rest of the dissector needs of the extensions of a hello. */
export interface HelloFacts {
  serverName: string;
  alpn: string;
  /** The version a server chose in supported_versions, 0 where it did not. */
  selectedVersion: number;
}

function greasy(names: Readonly<Record<number, string>>): (value: number) => string {
  return (value) => `${isGrease(value) ? 'Reserved (GREASE)' : (names[value] ?? 'Unknown')} (${hexNumber(value, 4)})`;
}

const groupText = greasy(TLS_GROUPS);
const signatureText = greasy(TLS_SIGNATURES);
const versionText = (value: number): string => `${tlsVersionName(value)} (${hexNumber(value, 4)})`;

/** The extensions block: its length, then each extension. */
export function showExtensions(c: Cursor, isClient: boolean, facts: HelloFacts): void {
  const total = c.uint(2, 'tls.handshake.extensions_length', 'Extensions Length');
  c.within(total, (list) => {
    while (list.left >= 4) {
      const type = u16(list.bytes, list.at);
      const length = u16(list.bytes, list.at + 2);
      const name = isGrease(type) ? 'Reserved (GREASE)' : (TLS_EXTENSIONS[type] ?? `Unknown type ${type}`);
      list.group('', `Extension: ${name} (len=${length})`, () => {
        list.uint(2, 'tls.handshake.extension.type', 'Type', () => `${name} (${type})`);
        list.uint(2, 'tls.handshake.extension.len', 'Length');
        list.within(length, (body) => {
          showExtension(body, type, isClient, facts);
          body.data(body.left, 'tls.handshake.extension.data', 'Data');
          if (body.short) list.short = true;
        });
      });
    }
    if (list.short) c.short = true;
  });
}

function showExtension(c: Cursor, type: number, isClient: boolean, facts: HelloFacts): void {
  if (c.left === 0) return;
  switch (type) {
    case 0:
      showServerName(c, facts);
      break;
    case 10:
      list16(c, 2, ['tls.handshake.extensions_supported_groups_length', 'Supported Groups List Length'], (inner) =>
        inner.uint(2, 'tls.handshake.extensions_supported_group', 'Supported Group', groupText),
      );
      break;
    case 11: {
      const length = c.uint(1, 'tls.handshake.extensions_ec_point_formats_length', 'EC point formats Length');
      c.within(length, (inner) => {
        while (inner.left > 0) {
          inner.named(1, 'tls.handshake.extensions_ec_point_format', 'EC point format', {
            0: 'uncompressed',
            1: 'ansiX962_compressed_prime',
            2: 'ansiX962_compressed_char2',
          });
        }
      });
      break;
    }
    case 13:
    case 50:
      list16(c, 2, ['tls.handshake.sig_hash_alg_len', 'Signature Hash Algorithms Length'], (inner) =>
        inner.uint(2, 'tls.handshake.sig_hash_alg', 'Signature Algorithm', signatureText),
      );
      break;
    case 16:
      showAlpn(c, facts);
      break;
    case 43:
      if (isClient) {
        list16(c, 1, ['tls.handshake.extensions.supported_versions_len', 'Supported Versions length'], (inner) =>
          inner.uint(2, 'tls.handshake.extensions.supported_version', 'Supported Version', versionText),
        );
      } else facts.selectedVersion = c.uint(2, 'tls.handshake.extensions.supported_version', 'Supported Version', versionText);
      break;
    case 51:
      showKeyShare(c, isClient);
      break;
    default:
      break;
  }
}

/** A list of 16-bit values with a length of `size` bytes in front. */
function list16(c: Cursor, size: 1 | 2, [name, label]: readonly [string, string], item: (inner: Cursor) => void): void {
  const length = c.uint(size, name, label);
  c.within(length, (inner) => {
    while (inner.left >= 2) item(inner);
  });
}

function showServerName(c: Cursor, facts: HelloFacts): void {
  const length = c.uint(2, 'tls.handshake.extensions_server_name_list_len', 'Server Name list length');
  c.within(length, (inner) => {
    while (inner.left >= 3) {
      const type = inner.named(1, 'tls.handshake.extensions_server_name_type', 'Server Name Type', { 0: 'host_name' });
      const size = inner.uint(2, 'tls.handshake.extensions_server_name_len', 'Server Name length');
      const o = inner.skip(size);
      if (o < 0 || type !== 0) return;
      const text = displayText(inner.bytes, o, o + size);
      inner.tree.field('tls.handshake.extensions_server_name', 'Server Name', text, o, size, { raw: text });
      if (facts.serverName === '') facts.serverName = text;
    }
  });
}

function showAlpn(c: Cursor, facts: HelloFacts): void {
  const length = c.uint(2, 'tls.handshake.extensions_alpn_len', 'ALPN Extension Length');
  c.within(length, (inner) => {
    while (inner.left > 0) {
      const size = inner.uint(1, 'tls.handshake.extensions_alpn_str_len', 'ALPN string length');
      const o = inner.skip(size);
      if (o < 0) return;
      const text = displayText(inner.bytes, o, o + size);
      inner.tree.field('tls.handshake.extensions_alpn_str', 'ALPN Next Protocol', text, o, size, { raw: text });
      if (facts.alpn === '') facts.alpn = text;
    }
  });
}

function showKeyShare(c: Cursor, isClient: boolean): void {
  if (!isClient && c.left === 2) {
    c.uint(2, 'tls.handshake.extensions_key_share_selected_group', 'Selected Group', groupText);
    return;
  }
  const body = (inner: Cursor): void => {
    while (inner.left >= 4) {
      inner.uint(2, 'tls.handshake.extensions_key_share_group', 'Group', groupText);
      const size = inner.uint(2, 'tls.handshake.extensions_key_share_key_exchange_length', 'Key Exchange Length');
      if (inner.data(size, 'tls.handshake.extensions_key_share_key_exchange', 'Key Exchange') < 0) return;
    }
  };
  if (isClient) c.within(c.uint(2, 'tls.handshake.extensions_key_share_client_length', 'Client Key Share Length'), body);
  else body(c);
}
