import axe from 'axe-core';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { EngineError } from '../../engine/contract/index.ts';
import { mountApp } from './testing/mount.ts';
import { hello as worldHello, WORLD } from './testing/world.ts';

const MS = 1e6;

/** Serious and critical findings of axe, as lines that say where. */
async function axeFindings(): Promise<string[]> {
  const result = await axe.run(document, { resultTypes: ['violations'] });
  return result.violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(' ')} ${node.failureSummary ?? ''}`));
}

describe('welcome screen', () => {
  it('offers samples and recent files, and opens one', async () => {
    const { app, double } = await mountApp();
    await expect.element(page.getByRole('heading', { name: /See what a network stack/ })).toBeVisible();
    await expect.element(page.getByText('yesterday.pcap')).toBeVisible();
    await page.getByRole('button', { name: /A first sample/ }).click();
    await vi.waitFor(() => {
      expect(app.summary?.packets).toBe(WORLD.packets);
    });
    expect(double.callsOf('session.open')).toEqual([{ handle: 'sample-1' }]);
    await expect.element(page.getByRole('slider', { name: 'Playhead', exact: true })).toBeVisible();
    await expect.element(page.getByLabelText('Status')).toHaveTextContent('20 dropped: ring full');
    expect(document.title).toContain('first.pcapng');
  });

  it('asks for a file with one field of the document, and takes the same file twice', async () => {
    const { app, double } = await mountApp();
    const served = worldHello();
    const hello = { ...served, features: { ...served.features, nativeDialogs: false } };
    double.override('hello', () => hello);
    app.hello = hello;
    const picked = (): void => {
      const field = document.querySelector<HTMLInputElement>('body > input[type="file"]');
      if (field === null) throw new Error('There is no file field in the document.');
      expect(field.value).toBe('');
      const transfer = new DataTransfer();
      transfer.items.add(new File(['x'], 'picked.pcap'));
      field.files = transfer.files;
      field.dispatchEvent(new Event('change'));
    };
    const click = vi.spyOn(HTMLInputElement.prototype, 'click').mockImplementation(() => undefined);
    const handleForFile = (file: File): Promise<object> => Promise.resolve({ handle: 'sample-1', name: file.name, folder: '', bytes: 1 });
    Object.defineProperty(window, 'ringsideShell', { value: { handleForFile }, configurable: true });
    onTestFinished(() => {
      click.mockRestore();
      Reflect.deleteProperty(window, 'ringsideShell');
    });
    for (let i = 1; i <= 2; i++) {
      await userEvent.keyboard('{Control>}o{/Control}');
      await vi.waitFor(() => {
        expect(click).toHaveBeenCalledTimes(i);
      });
      picked();
      await vi.waitFor(() => {
        expect(double.callsOf('session.open')).toHaveLength(i);
      });
    }
    expect(document.querySelectorAll('input[type="file"]')).toHaveLength(1);
  });

  it('shows progress while a file is indexed, and cancels', async () => {
    const { app, double } = await mountApp();
    double.override('session.open', (_request, context) => {
      context.progress({ done: 500, total: 1_000, unit: 'packets', message: '' });
      return new Promise((_resolve, reject) => {
        context.signal.addEventListener('abort', () => {
          reject(new EngineError({ code: 'cancelled', message: 'Cancelled.' }));
        });
      });
    });
    const opening = app.open('sample-1', 'big.pcap');
    await expect.element(page.getByRole('progressbar', { name: 'Opening big.pcap' })).toHaveAttribute('aria-valuenow', '50');
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await opening).toBe(false);
    await expect.element(page.getByRole('heading', { name: /See what a network stack/ })).toBeVisible();
    expect(app.notices.list).toEqual([]);
  });

  it('shows what went wrong, where and what to do, and keeps it until it is closed', async () => {
    const { app, double } = await mountApp();
    double.override('session.open', () => {
      throw new EngineError({
        code: 'bad-input',
        message: 'This is no capture.',
        where: { file: 'x.txt', offset: 24 },
        fix: 'Open a pcap.',
      });
    });
    await app.open('recent-1', 'x.txt');
    const alert = page.getByRole('alert');
    await expect.element(alert).toHaveTextContent('Opening x.txt: This is no capture.');
    await expect.element(alert).toHaveTextContent('x.txt, offset 24');
    await expect.element(alert).toHaveTextContent('Open a pcap.');
    await page.getByRole('button', { name: 'Close this notice' }).click();
    await expect.element(alert).not.toBeInTheDocument();
  });

  it('says so when the connection is lost', async () => {
    const { double } = await mountApp({ open: true });
    double.drop();
    await expect.element(page.getByRole('heading', { name: 'The connection to the engine is lost' })).toBeVisible();
    await expect.element(page.getByRole('button', { name: 'Connect again' })).toBeVisible();
  });
});

describe('transport', () => {
  it('plays and pauses with Space, steps with the arrows, and shows the time with the digits of the input', async () => {
    const { app, double } = await mountApp({ open: true });
    (document.activeElement as HTMLElement | null)?.blur();
    await userEvent.keyboard(' ');
    await vi.waitFor(() => {
      expect(app.transport?.state).toBe('playing');
    });
    expect(double.callsOf('transport.play')).toEqual([{ session: 'session-sample-1', speed: 1 }]);
    await userEvent.keyboard(' ');
    await vi.waitFor(() => {
      expect(app.transport?.state).toBe('paused');
    });
    double.advance(500 * MS, 'paused');
    await userEvent.keyboard('{ArrowRight}');
    await vi.waitFor(() => {
      expect(app.playheadNs).toBe(501 * MS);
    });
    expect(app.selected).toBe(502);
    await expect.element(page.getByRole('group', { name: 'Transport' })).toHaveTextContent('00:00.501 000 000');
  });

  it('ends its clock with the input, though the rings run empty a little later', async () => {
    const { app, double } = await mountApp({ open: true });
    const { transport } = app;
    if (transport === null) throw new Error('There is no transport.');
    const tNs = app.durationNs + 3_000_000;
    double.emit('transport', { session: 'session-sample-1', transport: { ...transport, state: 'ended', tNs } });
    await vi.waitFor(() => {
      expect(app.transport?.state).toBe('ended');
    });
    expect(app.playheadNs).toBe(app.durationNs);
  });

  it('skips gaps when asked, and says which while it does', async () => {
    const { app, double } = await mountApp({ open: true });
    const button = page.getByRole('button', { name: 'Skip gaps' });
    await expect.element(button).toHaveAttribute('aria-pressed', 'false');
    (document.activeElement as HTMLElement | null)?.blur();
    await userEvent.keyboard('g');
    await expect.element(button).toHaveAttribute('aria-pressed', 'true');
    expect(double.callsOf('transport.skipGaps')).toEqual([{ session: 'session-sample-1', longerThanNs: 1e9 }]);
    const { transport } = app;
    if (transport === null) throw new Error('There is no transport.');
    const said = page.getByText('gap of 59.0 s skipped');
    const skipped = { fromNs: 0, toNs: 59e9 };
    double.emit('transport', { session: 'session-sample-1', transport: { ...transport, state: 'playing', tNs: 59e9, skipped } });
    await expect.element(said).toBeVisible();
    double.emit('transport', { session: 'session-sample-1', transport: { ...transport, state: 'paused', tNs: 59e9, skipped } });
    await expect.element(said).not.toBeInTheDocument();
    await button.click();
    await expect.element(button).toHaveAttribute('aria-pressed', 'false');
  });

  it('repeats what the timeline shows, or a stretch dragged with Alt, and moves the ends to the playhead', async () => {
    const { app } = await mountApp({ open: true });
    const loop = page.getByRole('button', { name: 'Loop' });
    await expect.element(loop).toHaveAttribute('aria-pressed', 'false');
    await loop.click();
    await expect.element(loop).toHaveAttribute('aria-pressed', 'true');
    expect(app.transport?.loop).toEqual({ fromNs: 0, toNs: app.durationNs });
    (document.activeElement as HTMLElement | null)?.blur();
    await app.seek(300 * MS);
    await userEvent.keyboard('[[');
    await vi.waitFor(() => {
      expect(app.transport?.loop).toEqual({ fromNs: 300 * MS, toNs: app.durationNs });
    });
    await app.seek(700 * MS);
    await userEvent.keyboard(']');
    await vi.waitFor(() => {
      expect(app.transport?.loop).toEqual({ fromNs: 300 * MS, toNs: 700 * MS });
    });
    await userEvent.keyboard('l');
    await expect.element(loop).toHaveAttribute('aria-pressed', 'false');

    const strip = page.getByRole('slider', { name: 'Playhead', exact: true }).element();
    const box = strip.getBoundingClientRect();
    const at = (share: number, type: string): void => {
      const init = { clientX: box.left + box.width * share, clientY: box.top + 20, altKey: true, button: 0, pointerId: 1, bubbles: true };
      strip.dispatchEvent(new PointerEvent(type, init));
    };
    strip.setPointerCapture = () => undefined;
    at(0.25, 'pointerdown');
    at(0.5, 'pointermove');
    at(0.5, 'pointerup');
    await vi.waitFor(() => {
      expect((app.transport?.loop?.fromNs ?? 0) / app.durationNs).toBeCloseTo(0.25, 1);
    });
    expect((app.transport?.loop?.toNs ?? 0) / app.durationNs).toBeCloseTo(0.5, 1);
  });

  it('moves the playhead and the selection from the timeline, by key and by pointer', async () => {
    const { app } = await mountApp({ open: true });
    const slider = page.getByRole('slider', { name: 'Playhead', exact: true });
    (slider.element() as HTMLElement).focus();
    await userEvent.keyboard('{End}');
    await vi.waitFor(() => {
      expect(app.selected).toBe(WORLD.packets);
    });
    await userEvent.keyboard('{Home}');
    await vi.waitFor(() => {
      expect(app.selected).toBe(1);
    });
    await expect.element(slider).toHaveAttribute('aria-valuenow', '0');
    await slider.click();
    await vi.waitFor(() => {
      expect(app.selected).toBeGreaterThan(950);
    });
    expect(app.selected).toBeLessThan(1_050);
  });

  it('asks for one place at a time while it scrubs, and ends at the last one', async () => {
    const { app, double } = await mountApp({ open: true });
    for (let i = 1; i <= 50; i++) void app.seek(i * 10 * MS);
    await vi.waitFor(() => {
      expect(double.callsOf('transport.seek').at(-1)).toEqual({ session: 'session-sample-1', tNs: 500 * MS });
    });
    expect(double.callsOf('transport.seek').length).toBeLessThanOrEqual(2);
    expect(app.playheadNs).toBe(500 * MS);
  });
});

describe('commands', () => {
  it('are found by words in the palette and run with Enter', async () => {
    const { app } = await mountApp({ open: true });
    await userEvent.keyboard('{Control>}{Shift>}P{/Shift}{/Control}');
    const query = page.getByRole('combobox', { name: 'Command' });
    await expect.element(query).toHaveFocus();
    await userEvent.keyboard('go to the end{Enter}');
    await vi.waitFor(() => {
      expect(app.playheadNs).toBe((WORLD.packets - 1) * WORLD.gapNs);
    });
    await expect.element(query).not.toBeInTheDocument();
  });

  it('are found where they have nothing to work on, and say so', async () => {
    await mountApp({ open: true });
    await userEvent.keyboard('{Control>}{Shift>}P{/Shift}{/Control}compare this run{Enter}');
    const entry = page.getByRole('option', { name: /Compare this run with the one before/ });
    await expect.element(entry).toHaveAttribute('aria-disabled', 'true');
    await expect.element(entry).toHaveTextContent('not possible now');
    await userEvent.keyboard('{Escape}');
  });

  it('reach packets: next, conversation, mark, time reference, by number', async () => {
    const { app } = await mountApp({ open: true });
    app.select(10);
    await userEvent.keyboard('{F8}');
    expect(app.selected).toBe(11);
    await userEvent.keyboard('{Control>}.{/Control}');
    await vi.waitFor(() => {
      expect(app.selected).toBe(13);
    });
    await userEvent.keyboard('{Control>}m{/Control}');
    expect([...app.marks]).toEqual([13]);
    await userEvent.keyboard('{Alt>}t{/Alt}');
    await vi.waitFor(() => {
      expect(app.timeReference).toEqual({ number: 13, tNs: 12 * MS });
    });
    await userEvent.keyboard('{Control>}g{/Control}');
    await page.getByLabelText(/Packet number/).fill('1,500');
    await userEvent.keyboard('{Enter}');
    expect(app.selected).toBe(1_500);
  });

  it('are listed with their keys', async () => {
    await mountApp({ open: true });
    (document.activeElement as HTMLElement | null)?.blur();
    await userEvent.keyboard('?');
    const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await expect.element(help).toBeVisible();
    await expect.element(help).toHaveTextContent('Play or pause');
    await userEvent.keyboard('{Escape}');
    await expect.element(help).not.toBeInTheDocument();
  });

  it('leave letters and Space to a text field', async () => {
    const { app } = await mountApp({ open: true });
    await userEvent.keyboard('{Control>}g{/Control}');
    await userEvent.keyboard(' ?');
    expect(app.transport?.state).toBe('stopped');
    await expect.element(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).not.toBeInTheDocument();
  });
});

describe('capture', () => {
  it('checks the filter before the start and says how to fix a backend', async () => {
    const { app, double } = await mountApp();
    await userEvent.keyboard('{Control>}e{/Control}');
    const filter = page.getByPlaceholder('tcp port 443 or icmp6');
    await filter.fill('prot 4');
    await expect.element(page.getByText(/syntax error/)).toBeVisible();
    await expect.element(page.getByText('sudo setcap cap_net_raw+ep node')).toBeVisible();
    const start = page.getByRole('button', { name: 'Capture veth0' });
    await expect.element(start).toBeDisabled();
    await filter.fill('icmp6');
    await expect.element(page.getByText('✓ valid')).toBeVisible();
    await start.click();
    await vi.waitFor(() => {
      expect(app.session?.kind).toBe('live');
    });
    expect(double.callsOf('live.start')).toEqual([{ device: 'veth0', filter: 'icmp6' }]);
  });
});

describe('scenario', () => {
  it('is checked by line, used when good, and the run before is kept for comparison', async () => {
    const { app } = await mountApp({ open: true });
    app.showParameter('device.rxRingSlots');
    const text = page.getByRole('textbox', { name: 'Scenario text, YAML' });
    await expect.element(page.getByText('Line 4 of the text below.')).toBeVisible();
    const good = (text.element() as HTMLTextAreaElement).value;
    await text.fill(good.replace('rxRingSlots: 64', 'rxRingSlots: many'));
    await expect.element(page.getByText('✕ 1 problem')).toBeVisible();
    await expect.element(page.getByRole('button', { name: 'Use and replay' })).toBeDisabled();
    await text.fill(good.replace('rxRingSlots: 64', 'rxRingSlots: 4096'));
    await expect.element(page.getByText('✓ valid, not in use yet')).toBeVisible();
    await page.getByRole('button', { name: 'Use and replay' }).click();
    await vi.waitFor(() => {
      expect(app.summary?.drops).toEqual({});
    });
    expect(app.previous?.drops).toEqual({ 'ring full': 20 });
    await page.getByRole('button', { name: 'Compare A/B' }).click();
    const table = page.getByRole('dialog', { name: 'Compare runs' });
    await expect.element(table).toHaveTextContent('ring full');
    await expect.element(table).toHaveTextContent('−20');
  });

  it('keeps changes that were neither used nor discarded when it is closed', async () => {
    await mountApp({ open: true });
    await openScenario();
    const text = page.getByRole('textbox', { name: 'Scenario text, YAML' });
    const good = (text.element() as HTMLTextAreaElement).value;
    const changed = good.replace('rxRingSlots: 64', 'rxRingSlots: 128');
    await text.fill(changed);
    await page.getByRole('button', { name: 'Close the scenario' }).click();
    await expect.element(page.getByText('The changes to the scenario are kept, not used.')).toBeVisible();
    await openScenario();
    await expect.element(text).toHaveValue(changed);
    await page.getByRole('button', { name: 'Discard' }).click();
    await expect.element(text).toHaveValue(good);
  });

  async function openScenario(): Promise<void> {
    await userEvent.keyboard('{Control>}{Shift>}P{/Shift}{/Control}');
    await page.getByRole('combobox', { name: 'Command' }).fill('edit the scenario');
    await userEvent.keyboard('{Enter}');
  }
});

describe('layout', () => {
  it('maximises a view and restores it without a complaint', async () => {
    await mountApp({ open: true });
    const warn = vi.spyOn(console, 'warn');
    onTestFinished(() => {
      warn.mockRestore();
    });
    for (let i = 0; i < 2; i++) {
      await page.getByRole('tab', { name: 'Rings' }).hover();
      await page.getByRole('button', { name: 'Maximise Rings' }).click();
      await expect.element(page.getByRole('tab', { name: 'Packets' })).not.toBeInTheDocument();
      await page.getByRole('tab', { name: 'Rings' }).hover();
      await page.getByRole('button', { name: 'Restore Rings' }).click();
      await expect.element(page.getByRole('tab', { name: 'Packets' })).toBeVisible();
    }
    expect(warn.mock.calls.flat().filter((text) => /svelte/.test(String(text)))).toEqual([]);
  });

  it('maximises the view that was shown just before, though the focus has yet to move', async () => {
    await mountApp({ open: true });
    const press = (key: string, shiftKey = false): boolean =>
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key, ctrlKey: true, shiftKey, bubbles: true, cancelable: true }));
    press('3');
    press('M', true);
    await expect.element(page.getByRole('tab', { name: 'Packets' })).not.toBeInTheDocument();
    await expect.element(page.getByRole('tab', { name: 'Flows' })).toBeVisible();
  });

  it('moves a tab by dragging, without making the panel again, and remembers it', async () => {
    await mountApp({ open: true });
    const body = document.querySelector('#panel-flows');
    const tab = page.getByRole('tab', { name: 'Flows' });
    const from = tab.element().getBoundingClientRect();
    const rings = page.getByRole('tab', { name: 'Rings' }).element().getBoundingClientRect();
    const at = (x: number, y: number): PointerEventInit => ({ clientX: x, clientY: y, pointerId: 1, button: 0, bubbles: true });
    const element = tab.element();
    // Pointer capture needs a real pointer; a synthetic one only lacks the capture.
    (element as HTMLElement).setPointerCapture = () => undefined;
    element.dispatchEvent(new PointerEvent('pointerdown', at(from.x + 5, from.y + 5)));
    element.dispatchEvent(new PointerEvent('pointermove', at(rings.x + 40, rings.y + 8)));
    element.dispatchEvent(new PointerEvent('pointerup', at(rings.right - 2, rings.y + 8)));
    await vi.waitFor(() => {
      const tabs = [...document.querySelectorAll('[role="tablist"]')].map((list) => list.textContent);
      expect(tabs.some((text) => /Rings\s*Flows/.test(text))).toBe(true);
    });
    expect(document.querySelector('#panel-flows')).toBe(body);
    expect(localStorage.getItem('ringside.layout')).toContain('"version":1');
  });

  it('shows one view at a time in a narrow window, every view within reach', async () => {
    await page.viewport(800, 700);
    await mountApp({ open: true });
    const rail = page.getByRole('navigation', { name: 'Views' });
    await rail.getByRole('button', { name: 'Report' }).click();
    await expect.element(page.getByRole('tab', { name: 'Report' })).toBeVisible();
    expect(document.querySelectorAll('[role="tab"]').length).toBe(1);
    await expect.element(rail.getByRole('button', { name: 'Packet', exact: true })).toBeVisible();
    await page.viewport(1_400, 900);
  });

  it('walks the panes with F6', async () => {
    await mountApp({ open: true });
    const seen = new Set<string>();
    for (let i = 0; i < 10; i++) {
      await userEvent.keyboard('{F6}');
      seen.add(document.activeElement?.closest<HTMLElement>('[data-pane]')?.dataset['pane'] ?? '');
    }
    expect([...seen]).toEqual(expect.arrayContaining(['header', 'timeline', 'rings', 'packets', 'inspector']));
  });
});

describe('accessibility', () => {
  it.each(['dark', 'light'] as const)('axe finds nothing serious on the welcome screen, %s', async (name) => {
    await mountApp({ theme: name });
    expect(await axeFindings()).toEqual([]);
  });

  it.each(['dark', 'light'] as const)('axe finds nothing serious in the workbench, %s', async (name) => {
    const { app } = await mountApp({ theme: name, open: true });
    app.showView('report');
    await app.jumpTo(840 * MS);
    expect(await axeFindings()).toEqual([]);
  });
});
