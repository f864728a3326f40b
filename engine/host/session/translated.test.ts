import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError, type CallContext, type EngineHandlers } from '../../contract/index.ts';
import { samplesFolder } from '../paths.ts';
import { scenarioText } from '../scenarios.ts';
import { SessionCore } from './core.ts';
import { SessionInput } from './input.ts';
import { runInSlices } from './run-in-slices.ts';
import { translatedHandlers } from './translated.ts';

const context: CallContext = { signal: new AbortController().signal, progress: () => undefined };
const nothing = (): void => undefined;
let core: SessionCore;
let calls: Pick<EngineHandlers, `translator.${'ports' | 'sessions' | 'bindings' | 'refusals' | 'pair' | 'map' | 'pools'}`>;

beforeAll(async () => {
  const input = await SessionInput.open(join(samplesFolder, 'nat64-arriving.pcapng'), context);
  core = new SessionCore({
    id: 's',
    name: 'sample',
    input,
    scenario: { id: 'nat64', yaml: scenarioText('nat64') },
    runner: runInSlices,
    events: { transport: nothing, runFinished: nothing, runFailed: nothing, changed: nothing },
  });
  calls = translatedHandlers(() => core);
  await core.runs.run(undefined, context);
});
afterAll(() => {
  core.dispose();
});

const sessions = async (filter = '', first = 0) =>
  calls['translator.sessions']({ session: 's', sort: 'id', descending: false, first, count: 100, filter }, context);

const ports = async () => (await calls['translator.ports']({ session: 's' }, context)).ports;

describe('the calls of the Translated flows panel', () => {
  test('are empty at the start and follow the playhead', async () => {
    expect(await sessions()).toMatchObject({ total: 0, rows: [] });
    expect(await ports()).toMatchObject([{ id: 'nat64', mode: 'nat64', flows: 0 }]);
    await core.transport.seek(core.input.endNs);
    const { total, rows } = await sessions();
    expect(total).toBe(rows.length);
    const [port] = await ports();
    expect(port!.translated).toBeGreaterThan(150);
    expect(port).toMatchObject({ refused: 0 });
    const tcp = rows.find(({ protocol }) => protocol === 'TCP')!;
    expect(tcp.six!.source).toMatch(/^2001:db8:1:/);
    expect(tcp.six!.destination).toMatch(/^64:ff9b::/);
    expect(tcp.four!.source).toBe('203.0.113.7');
    expect(tcp.four!.sourcePort).toBe(tcp.six!.sourcePort);
    expect(tcp.packets64).toBeGreaterThan(0);
    expect(tcp.packets46).toBeGreaterThan(0);
    expect(['ESTABLISHED', 'V6 FIN RCV', 'V4 FIN RCV', 'V4+V6 FIN RCV']).toContain(tcp.state);
    expect(tcp.endsNs).toBeGreaterThan(tcp.lastNs);
    await core.transport.seek(0);
    expect((await sessions()).total).toBeLessThan(total);
    await core.transport.seek(core.input.endNs);
    expect(await sessions()).toMatchObject({ total });
  });

  test.each(['last', 'packets', 'bytes', 'refused'] as const)('are sorted by %s, equal ones as they began', async (sort) => {
    const byId = (await sessions()).rows;
    const value = (row: (typeof byId)[number]): number =>
      sort === 'last' ? row.lastPacket : sort === 'refused' ? row.refused : sort === 'bytes' ? row.bytes64 + row.bytes46 : row.packets64 + row.packets46; // prettier-ignore
    const query = { session: 's', sort, first: 0, count: 100, filter: '' };
    const rising = await calls['translator.sessions']({ ...query, descending: false }, context);
    const wanted = [...byId].sort((a, b) => value(a) - value(b) || a.id - b.id).map(({ id }) => id);
    expect(rising.rows.map(({ id }) => id)).toEqual(wanted);
    const falling = await calls['translator.sessions']({ ...query, descending: true }, context);
    expect(falling.rows.map(({ id }) => id)).toEqual(wanted.reverse());
  });

  test('filter by what a row says', async () => {
    const { rows } = await sessions();
    const one = rows.find(({ protocol }) => protocol === 'UDP')!;
    const found = await sessions(`${one.four!.source}:${one.four!.sourcePort}`);
    expect(found.rows.map(({ id }) => id)).toContain(one.id);
    expect(found.total).toBeLessThan(rows.length);
    expect((await sessions('no such thing')).total).toBe(0);
    // As it stands in the table, brackets and all.
    const tcp = rows.find(({ protocol }) => protocol === 'TCP')!.six!;
    const whole = `[${tcp.source}]:${tcp.sourcePort} → [${tcp.destination}]:${tcp.destinationPort}`;
    expect((await sessions(whole.toUpperCase())).total).toBe(1);
    const bindings = async (filter: string) =>
      (await calls['translator.bindings']({ session: 's', first: 0, count: 100, filter }, context)).total;
    expect(await bindings(`[${tcp.source}]:${tcp.sourcePort}`)).toBe(1);
    expect([await bindings('static'), await bindings('dynamic')]).toEqual([0, await bindings('')]);
  });

  test('bindings, pool use and reasons agree with the sums', async () => {
    const bindings = await calls['translator.bindings']({ session: 's', first: 0, count: 500, filter: '' }, context);
    const [port] = await ports();
    expect(bindings.total).toBe(port!.tables!.bindings);
    expect(bindings.rows).toHaveLength(bindings.total);
    const { rows: pools } = await calls['translator.pools']({ session: 's' }, context);
    expect(pools).toHaveLength(1);
    expect(pools[0]!.tcp + pools[0]!.udp + pools[0]!.icmp).toBe(bindings.total);
    const { rows: reasons } = await calls['translator.refusals']({ session: 's' }, context);
    const all = reasons.reduce((sum, { packets }) => sum + packets, 0);
    expect(all).toBe(port!.translated + port!.refused + port!.answered + port!.held);
    const page = await calls['translator.bindings']({ session: 's', first: 2, count: 3, filter: '' }, context);
    expect(page.rows).toEqual(bindings.rows.slice(2, 5));
  });

  test('a packet before and after, with the section of each change', async () => {
    const { rows } = await sessions();
    const { steps } = await calls['translator.pair']({ session: 's', number: rows[0]!.firstPacket }, context);
    expect(steps).toMatchObject([{ port: 'nat64', side: 6, verdict: 'translated', after: [{ side: 4, kind: 'translated' }] }]);
    const changes = steps[0]!.after[0]!.changes;
    expect(changes.find(({ label }) => label === 'Destination')).toMatchObject({ changed: true, before: { offset: 24, length: 16 }, after: { offset: 16, length: 4 } }); // prettier-ignore
    expect(changes.every(({ because }) => because.startsWith('RFC'))).toBe(true);
    expect((await Promise.resolve(core.detail(rows[0]!.firstPacket))).after?.[0]).toBe(0x45);
  });

  test('maps an address as the port does, and says what is no address', async () => {
    const map = (address: string, port = 'nat64') => calls['translator.map']({ session: 's', port, address }, context);
    expect(await map('198.51.100.9')).toMatchObject({ mappings: [{ to: '64:ff9b::c633:6409', used: true }] });
    expect(() => map('x')).toThrow(EngineError);
    expect(() => map('192.0.2.1', 'none')).toThrow('no translator port none');
  });
});
