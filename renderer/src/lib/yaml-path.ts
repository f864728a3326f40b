/**
 * Line of a parameter in a scenario text, by its dotted path (`device.rxRingSlots`, `ports.0.reader.batch`). Reads block-style YAML by
 * indentation only: enough to put the cursor there, and it says "not found" instead of guessing. The engine parses for real.
 */
export function lineOfPath(yaml: string, path: string): number | null {
  const lines = yaml.split('\n');
  let from = 0;
  let indent = -1;
  let at: number | null = null;
  for (const part of path.split('.')) {
    const found = /^\d+$/.test(part) ? findItem(lines, from, indent, Number(part)) : findKey(lines, from, indent, part);
    if (found === null) return null;
    at = found.line;
    from = found.next;
    indent = found.indent;
  }
  return at === null ? null : at + 1;
}

interface Place {
  readonly line: number;
  /** Where the search for the part inside goes on, and the indentation that it must exceed. */
  readonly next: number;
  readonly indent: number;
}

/** Column of the first sign; a list dash counts as indentation, so that `- id: ch3` holds its keys two columns further in. */
function keyColumn(line: string): number {
  return /^(\s*(?:-\s+)*)/.exec(line)?.[1]?.length ?? 0;
}

const indentOf = (line: string): number => /^\s*/.exec(line)?.[0].length ?? 0;
const blank = (line: string): boolean => /^\s*(#|$)/.test(line);

function findKey(lines: readonly string[], from: number, outer: number, key: string): Place | null {
  let level: number | null = null;
  for (let i = from; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (blank(line)) continue;
    const column = keyColumn(line);
    // The line of a list item itself begins with its dash; any later line that far out belongs to what comes next.
    if (i > from && indentOf(line) <= outer) return null;
    if (column <= outer) return null;
    level ??= column;
    if (column !== level) continue;
    const name = line
      .slice(column)
      .split(':')[0]
      ?.trim()
      .replace(/^['"]|['"]$/g, '');
    if (name === key) return { line: i, next: i + 1, indent: column };
  }
  return null;
}

function findItem(lines: readonly string[], from: number, outer: number, index: number): Place | null {
  let seen = -1;
  let level: number | null = null;
  for (let i = from; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (blank(line)) continue;
    const dash = /^(\s*)-(\s|$)/.exec(line);
    const column = indentOf(line);
    // A list may stand at the same column as the key that holds it.
    if (column < outer || (column === outer && dash === null)) return null;
    if (dash === null) continue;
    level ??= column;
    if (column !== level) continue;
    seen++;
    if (seen === index) return { line: i, next: i, indent: column };
  }
  return null;
}
