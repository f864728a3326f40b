import { describe, expect, it } from 'vitest';
import { PORT_CAPABILITIES, decidePath } from './capabilities.ts';
import { BatchRelease } from './release.ts';

const NONE = { rxChecksum: false, txChecksum: false, tso: false };
const ALL = { rxChecksum: true, txChecksum: true, tso: true };

describe('who sums and who cuts', () => {
  it('the driver if it can, else the copy if the stack lets it, else the stack', () => {
    expect(decidePath('auto', ALL, PORT_CAPABILITIES)).toMatchObject({
      rx: 'hardware',
      tx: 'hardware',
      cut4: 'hardware',
      cut6: 'hardware',
    });
    expect(decidePath('auto', NONE, PORT_CAPABILITIES)).toMatchObject({ rx: 'copy', tx: 'copy', cut4: 'switch', cut6: 'switch' });
    expect(decidePath('auto', NONE, ['tso4'])).toMatchObject({ rx: 'stack', tx: 'stack', cut4: 'switch', cut6: 'stack' });
    expect(decidePath('auto', { ...NONE, rxChecksum: true }, ['csum-partial'])).toMatchObject({ rx: 'hardware', tx: 'copy' });
  });

  it('says why, each direction for itself', () => {
    const why = (device: Partial<typeof NONE>, ...port: ('csum-partial' | 'tso4')[]): string =>
      decidePath('auto', { ...NONE, ...device }, port).because;
    expect([
      why({ rxChecksum: true, txChecksum: true }),
      why({ rxChecksum: true }, 'csum-partial'),
      why({ txChecksum: true }),
      why({}),
    ]).toEqual([
      'the driver sums',
      'the driver sums what is received, not what is sent; the port offers CSUM_PARTIAL, so the copy does',
      'the driver sums what is sent, not what is received; the port does not offer CSUM_PARTIAL, so the stack does',
      'the driver cannot sum; the port does not offer CSUM_PARTIAL, so the stack does',
    ]);
  });

  it('as forced, for measuring', () => {
    expect(decidePath('stack', ALL, PORT_CAPABILITIES)).toMatchObject({ rx: 'stack', tx: 'stack', because: 'forced to stack' });
    expect(decidePath('hardware', NONE, [])).toMatchObject({ rx: 'hardware', cut4: 'stack' });
  });
});

describe('release of a batch (V-14)', () => {
  it('at the end of each poll without a timeout', () => {
    const r = new BatchRelease({ packets: 2, timeoutNs: 0 });
    expect(r.cause(true)).toBeUndefined();
    for (let i = 0; i < 5; i++) r.add(i, true);
    expect(r.cause(false)).toBeUndefined();
    expect(r.cause(true)).toBe('poll-end');
    expect(r.deadlineNs).toBe(Number.POSITIVE_INFINITY);
  });

  it('when complete, on an event, or after the timeout', () => {
    const r = new BatchRelease({ packets: 2, timeoutNs: 100 });
    r.add(50, false);
    expect(r.cause(true)).toBeUndefined();
    expect(r.deadlineNs).toBe(150);
    r.add(60, false);
    expect(r.cause(false)).toBe('complete');
    r.released();
    r.add(70, true);
    expect(r.cause(false)).toBeUndefined();
    expect(r.cause(true)).toBe('event');
    r.released();
    expect(r.waiting).toBe(0);
  });
});
