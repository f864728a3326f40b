import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../../wire/index.ts';

/** What is wrong with a prefix such as `192.0.2.0/24` or `2001:db8::/32`, in words; undefined where it is good. */
export function prefixProblem(text: string): string | undefined {
  const slash = text.indexOf('/');
  const addressText = slash < 0 ? text : text.slice(0, slash);
  const address = parseIpv4(addressText) ?? parseIpv6(addressText);
  if (address === undefined) return `${quote(text)} is not an IPv4 or IPv6 prefix; write 192.0.2.0/24 or 2001:db8::/32`;
  const bits = address.length * 8;
  if (slash < 0) return undefined;
  const lengthText = text.slice(slash + 1);
  const length = Number(lengthText);
  if (!/^\d{1,3}$/.test(lengthText) || length > bits) {
    return `the length in ${quote(text)} must be 0 to ${String(bits)}`;
  }
  const masked = address.slice();
  for (let i = 0; i < masked.length; i++) {
    const keep = Math.min(8, Math.max(0, length - i * 8));
    masked[i] = masked[i]! & (0xff00 >> keep);
  }
  if (masked.every((byte, i) => byte === address[i])) return undefined;
  const network = bits === 32 ? formatIpv4(masked, 0) : formatIpv6(masked, 0);
  return `${quote(text)} has bits set beyond its length; write ${network}/${lengthText}`;
}

function quote(text: string): string {
  return `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;
}

/** IP version of a prefix that `prefixProblem` accepts. */
export function prefixVersion(text: string): 4 | 6 {
  return text.includes(':') ? 6 : 4;
}
