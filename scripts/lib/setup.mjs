// Makes a fresh clone ready: Node version, system packages, npm packages. Needs nothing but Node.
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bad, bold, dim, say, step, warm } from './say.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Debian's package for each thing that is looked for, and what goes without it. */
const SYSTEM = {
  pcap: {
    test: () => existsSync('/usr/include/pcap/pcap.h'),
    apt: 'libpcap-dev',
    without: 'live capture through `cap` (dumpcap and tcpdump still serve)',
  },
  compiler: {
    test: () => onPath('g++') && onPath('make') && onPath('python3'),
    apt: 'g++ make python3',
    without: 'the embedded terminal and `cap`, which are compiled at installation',
  },
  chromium: { test: () => findChromium() !== undefined, apt: 'chromium', without: 'tests in a real browser, and reports as PDF' },
  tshark: { test: () => onPath('tshark'), apt: 'tshark', without: 'tests that compare with tshark' },
  capinfos: { test: () => onPath('capinfos'), apt: 'wireshark-common', without: 'benchmarks beside capinfos' },
  tcpdump: { test: () => onPath('tcpdump'), apt: 'tcpdump', without: 'live capture through tcpdump, and its tests' },
  ip: { test: () => onPath('ip'), apt: 'iproute2', without: 'tests of live capture in a network namespace' },
  ping: { test: () => onPath('ping'), apt: 'iputils-ping', without: 'tests of live capture in a network namespace' },
  ethtool: { test: () => onPath('ethtool'), apt: 'ethtool', without: 'the test of live translation in a network namespace' },
  curl: { test: () => onPath('curl'), apt: 'curl', without: 'tests of live capture in a network namespace' },
  sevenZip: { test: () => onPath('7za') || onPath('7zz') || onPath('7z'), apt: 'p7zip-full', without: 'the test that packs a tar.gz' },
  pdftoppm: { test: () => onPath('pdftoppm'), apt: 'poppler-utils', without: 'tests that look into the PDF report' },
};

/** What `npm start` wants, and what `npm test` wants. */
export const FOR_START = ['pcap', 'compiler', 'tcpdump'];
export const FOR_TEST = Object.keys(SYSTEM);

export function onPath(program) {
  for (const folder of `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter)) {
    if (folder === '') continue;
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      // not here
    }
  }
  return false;
}

/** Path of an installed Chromium or Chrome, or undefined. `RINGSIDE_CHROMIUM` wins. */
export function findChromium() {
  const given = process.env['RINGSIDE_CHROMIUM'];
  if (given !== undefined && existsSync(given)) return given;
  const known = [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/usr/bin/google-chrome-stable',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  ];
  return known.find((path) => existsSync(path));
}

/** Ends the program with a clear sentence when Node is too old. */
export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const good = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (good) return;
  say(bad(`Ringside needs Node 20.19 or newer (22.12 or newer in the 22 line); this is ${process.versions.node}.`));
  process.exit(1);
}

/** Installs missing system packages where that needs no question (root, or sudo without password); names them otherwise. */
export async function ensureSystem(wanted) {
  const missing = wanted.filter((name) => !SYSTEM[name].test());
  if (missing.length === 0) return;
  const packages = [...new Set(missing.flatMap((name) => SYSTEM[name].apt.split(' ')))];
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (process.platform === 'linux' && onPath('apt-get')) {
    const asRoot = process.getuid?.() === 0;
    const sudo =
      !asRoot &&
      onPath('sudo') &&
      (process.stdin.isTTY === true || (await step('sudo', 'sudo', ['-n', 'true'], { quiet: true })).code === 0);
    if (asRoot || sudo) {
      say(`Installing system packages: ${bold(packages.join(' '))}`);
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
      const run = (title, args) =>
        asRoot
          ? step(title, 'apt-get', args, { env })
          : step(title, 'sudo', ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args], { env });
      await run('package lists', ['update', '-qq']);
      await run('system packages', ['install', '-y', '-qq', '--no-install-recommends', ...packages]);
    }
  }
  const still = missing.filter((name) => !SYSTEM[name].test());
  if (still.length === 0) return;
  say(warm('Not installed on this system:'));
  for (const name of still) say(`  ${bold(SYSTEM[name].apt)} ${dim(`goes without: ${SYSTEM[name].without}`)}`);
  say(`  On Debian or Ubuntu: ${bold(`sudo ${command}`)}`);
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(process.versions.modules)
    .digest('hex');
}

/** Native modules: optional, and what goes without them. */
const OPTIONAL = { cap: 'live capture through `cap`', 'node-pty': 'the embedded terminal' };

/**
 * Where this Node's own headers are, when they came with it: native modules are then compiled without fetching any, which a machine behind a
 * firewall cannot.
 */
function headers() {
  const prefix = resolve(dirname(realpathSync(process.execPath)), '..');
  const file = join(prefix, 'include/node/node_version.h');
  if (!existsSync(file)) return {};
  const text = readFileSync(file, 'utf8');
  const version = ['MAJOR', 'MINOR', 'PATCH'].map((part) => new RegExp(`define NODE_${part}_VERSION (\\d+)`).exec(text)?.[1]).join('.');
  return version === process.versions.node ? { npm_config_nodedir: prefix } : {};
}

/** Runs `npm ci` when node_modules is missing or does not belong to the lockfile and this Node. */
export async function ensurePackages() {
  const stamp = join(root, 'node_modules', '.ringside-lock');
  const wanted = lockHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('Installing npm packages (about a minute the first time)');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { code } = await step('npm ci', npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    env: { ...process.env, ...headers() },
  });
  if (code !== 0) process.exit(1);
  for (const [name, without] of Object.entries(OPTIONAL)) {
    if (!existsSync(join(root, 'node_modules', name))) say(warm(`  ${name} could not be compiled here: ${without} goes without`));
  }
  writeFileSync(stamp, wanted);
}

/** Everything a command needs before it can run from a checkout. */
export async function ensureReady(wanted) {
  checkNode();
  await ensureSystem(wanted);
  await ensurePackages();
}
