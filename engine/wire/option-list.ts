import { FieldReader, hexNumber } from './reader.ts';
import type { DissectContext } from './registry.ts';

/** How a protocol names the parts of its options, each part by field and label. */
export interface OptionNames {
  readonly list: string;
  readonly option: readonly [field: string, label: string];
  readonly kind: readonly [field: string, label: string];
  readonly length: string;
  readonly names: Readonly<Record<number, string>>;
}

/**
 * Options of IPv4 (RFC 791 section 3.1) or TCP (RFC 9293 section 3.1) in [start, end): one byte each for 0, which ends the list, and 1;
 * kind, length and data for the others. `body` reads the data and says in words what it holds.
 */
export function dissectOptionList(
  context: DissectContext,
  start: number,
  end: number,
  { list, option, kind: kindField, length: lengthField, names }: OptionNames,
  body: (kind: number, data: FieldReader) => string,
): void {
  const { tree, bytes } = context;
  const all = tree.open(list, 'Options', start, end - start);
  all.value = `(${end - start} bytes)`;
  const r = new FieldReader(context, start, end);
  while (r.more) {
    const kind = r.peek8();
    const at = r.pos;
    const name = names[kind] ?? `Unknown (${hexNumber(kind, 2)})`;
    const single = kind <= 1;
    const length = single ? 1 : at + 1 < end ? bytes[at + 1]! : 0;
    const node = tree.open(option[0], option[1], at, Math.min(Math.max(1, length), end - at));
    node.value = name;
    tree.field(kindField[0], kindField[1], `${name} (${kind})`, at, 1, { raw: kind });
    if (single) r.skip(1);
    else if (length < 2) {
      tree.expert('warn', `Option length ${length} is too short`);
      tree.close();
      break;
    } else {
      tree.field(lengthField, 'Length', String(length), at + 1, 1, { raw: length });
      const data = r.sub(length);
      data.skip(2);
      const text = body(kind, data);
      if (text !== '') node.value = `${name}: ${text}`;
      if (data.short || data.cut) tree.expert('warn', `Option goes past its end (length ${length})`);
    }
    tree.close();
    if (kind === 0) break;
  }
  tree.close();
}
