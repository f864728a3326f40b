import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError, type CallContext, type EngineHandlers } from '../../contract/index.ts';
import { samplesFolder } from '../paths.ts';
import { scenarioText } from '../scenarios.ts';
import { SessionCore } from './core.ts';
import { SessionInput } from './input.ts';
import { multicastHandlers } from './multicast.ts';
import { runInSlices } from './run-in-slices.ts';

const context: CallContext = { signal: new AbortController().signal, progress: () => undefined };
const nothing = (): void => undefined;
const session = 's';
let core: SessionCore;
let calls: Pick<EngineHandlers, `multicast.${'list' | 'open' | 'state' | 'log' | 'series' | 'set' | 'reset' | 'map'}`>;

beforeAll(async () => {
  core = new SessionCore({
    id: session,
    name: 'sample',
    input: await SessionInput.open(join(samplesFolder, 'multicast-joins.pcapng'), context),
    scenario: { id: 'multicast-port', yaml: scenarioText('multicast-port') },
    runner: runInSlices,
    events: { transport: nothing, runFinished: nothing, runFailed: nothing, changed: nothing },
  });
  await core.runs.run(undefined, context);
  calls = multicastHandlers(() => core);
});
afterAll(() => {
  core.dispose();
});

describe('the router of a capture in the Multicast panel', () => {
  test('is listed before the networks, and shown at the playhead, forward and back', async () => {
    const { networks } = await calls['multicast.list']({ session }, context);
    expect(networks[0]).toMatchObject({ id: 'port:mcast', title: 'This capture: port mcast' });
    const info = await calls['multicast.open']({ session, id: 'port:mcast' }, context);
    expect(info).toMatchObject({ id: 'port:mcast', durationNs: core.input.endNs, choice: { metric: 'cost' } });
    expect(info.changedIn).toMatch(/^Change ports\.\d+\.multicast in the scenario/);
    const at = async (tNs: number) => {
      await core.transport.seek(tNs);
      const { revision: _, ...state } = await calls['multicast.state']({ session, tNs }, context);
      return state;
    };
    const early = await at(5e9);
    const end = await at(info.durationNs);
    expect(end.entries.length).toBeGreaterThan(0);
    expect(end.totals.delivered).toBeGreaterThan(early.totals.delivered);
    expect(await at(5e9)).toEqual(early);
    expect(early.conservation.ok).toBe(true);
  });

  test('has a log with translated fields, a series, and a mapper; its changes are those of the scenario', async () => {
    const log = await calls['multicast.log']({ session, first: 0, count: 1_000 }, context);
    expect(log.rows.some(({ protocol, translatedGroup }) => protocol === 'IGMPv3' && translatedGroup === 'ff3e::e80a:1')).toBe(true);
    const series = await calls['multicast.series']({ session }, context);
    await core.transport.seek(core.input.endNs);
    const until = { session, first: 0, count: 1_000, untilNs: core.input.endNs };
    expect((await calls['multicast.log'](until, context)).rows.every(({ tNs }, i) => tNs === log.rows[i]?.tNs)).toBe(true);
    await core.transport.seek(3e9);
    const { rows } = await calls['multicast.log'](until, context);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows).toEqual(log.rows.filter(({ tNs }) => tNs <= 3e9));
    await core.transport.seek(core.playhead.endNs);
    const { totals } = await calls['multicast.state']({ session, tNs: core.input.endNs }, context);
    expect(series.delivered.reduce((sum, n) => sum + n, 0)).toBe(totals.delivered);
    expect(await calls['multicast.map']({ session, address: '232.10.0.1' }, context)).toMatchObject({ v6: 'ff3e::e80a:1' });
    expect(() => calls['multicast.set']({ session, atNs: 0, change: { bias4: 1 } }, context)).toThrow(/in the scenario/);
    expect(() => calls['multicast.open']({ session, id: 'port:no' }, context)).toThrow(/no multicast port no/);
  });
});

describe('a network in the Multicast panel', () => {
  test('runs in slices, tells how far it is, gives the same whatever was asked before, and can be stopped', async () => {
    const { durationNs } = await calls['multicast.open']({ session, id: 'shorter-path' }, context);
    const done: number[] = [];
    const told: CallContext = {
      ...context,
      progress: ({ done: tNs }) => {
        done.push(tNs);
      },
    };
    const state = await calls['multicast.state']({ session, tNs: durationNs }, told);
    expect(done.length).toBeGreaterThan(0);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    await calls['multicast.state']({ session, tNs: 1e9 }, context);
    expect(await calls['multicast.state']({ session, tNs: durationNs }, context)).toEqual(state);
    const { total } = await calls['multicast.log']({ session, first: 0, count: 10 }, context);
    expect(total).toBeGreaterThan(10);
    await calls['multicast.open']({ session, id: 'shorter-path' }, context);
    const stopper = new AbortController();
    const stopped: CallContext = {
      signal: stopper.signal,
      progress: () => {
        stopper.abort();
      },
    };
    await expect(calls['multicast.state']({ session, tNs: durationNs }, stopped)).rejects.toThrow(EngineError);
  });
});
