// @ts-check
import js from '@eslint/js';
import globals from 'globals';
import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';

/** Layers point one way: each module of the engine names the modules it may import. `engine/testing` serves tests only. */
const LAYERS = {
  contract: [],
  base: ['contract'],
  wire: ['contract', 'base'],
  files: ['contract', 'base', 'wire'],
  stack: ['contract', 'base', 'wire'],
  translator: ['contract', 'base', 'wire'],
  multicast: ['contract', 'base', 'wire', 'translator'],
  filter: ['contract', 'base', 'wire'],
  lab: ['contract', 'base', 'wire', 'files', 'stack', 'translator', 'multicast', 'filter'],
  session: ['contract', 'base', 'wire', 'files', 'stack', 'translator', 'lab'],
  experiments: ['contract', 'base', 'wire', 'files', 'stack', 'translator', 'multicast', 'lab', 'session'],
  capture: ['contract', 'base', 'wire', 'files'],
  host: ['contract', 'base', 'wire', 'files', 'stack', 'translator', 'multicast', 'lab', 'session', 'capture'],
  cli: ['contract', 'base', 'wire', 'files', 'stack', 'translator', 'multicast', 'lab', 'session', 'capture', 'host', 'experiments'],
};

/** Modules that also run in a browser or a worker: no Node built-ins outside their tests. */
const PURE = ['contract', 'base', 'wire', 'stack', 'translator', 'multicast', 'filter', 'lab', 'session', 'experiments'];

const NODE_BUILTINS = {
  group: ['node:*', 'fs', 'path', 'os', 'child_process', 'worker_threads', 'zlib', 'net', 'http', 'crypto'],
  message: 'This module runs in a browser and in workers too: no Node built-ins here.',
};

function layerRule(name) {
  const banned = Object.keys(LAYERS).filter((other) => other !== name && !LAYERS[name].includes(other));
  const patterns = [];
  if (banned.length > 0) {
    patterns.push({
      regex: `^(\\.\\./)+(${banned.join('|')})/`,
      message: `engine/${name} lies below or beside that module: see the layers in docs/ARCHITECTURE.md.`,
    });
  }
  const allowed = LAYERS[name];
  if (allowed.length > 0) {
    patterns.push({
      regex: `^(\\.\\./)+(${allowed.join('|')})/(?!(index|plain)\\.ts$)`,
      message: 'Import another module through its index.ts, or its plain.ts where that is all a fast start needs.',
    });
  }
  patterns.push({ regex: '^(\\.\\./)+(electron|renderer|e2e|bench)/', message: 'The engine does not know who hosts it.' });
  if (PURE.includes(name)) patterns.push(NODE_BUILTINS);
  return {
    files: [`engine/${name}/**/*.ts`],
    ignores: ['**/*.test.ts', '**/*.bench.ts', '**/testing/**'],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  };
}

const tsFiles = ['engine/**/*.ts', 'electron/**/*.ts', 'bench/**/*.ts', 'e2e/**/*.ts', 'renderer/**/*.ts'];

export default ts.config(
  { ignores: ['dist/**', 'build/**', 'release/**', 'coverage/**', 'node_modules/**'] },
  js.configs.recommended,
  {
    files: ['**/*.mjs', '**/*.js', '**/*.cjs'],
    languageOptions: { globals: globals.node },
  },
  ...ts.configs.recommendedTypeChecked.map((config) => ({ ...config, files: tsFiles })),
  {
    files: tsFiles,
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname, extraFileExtensions: ['.svelte'] },
    },
    rules: {
      // Typed arrays under noUncheckedIndexedAccess need `!` on every read of a hot loop.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
      'no-eval': 'error',
      'no-new-func': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
  {
    // A command speaks on the console; a test says there what it skipped.
    files: ['engine/cli/**/*.ts', 'bench/**/*.ts', '**/*.test.ts', 'e2e/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  ...Object.keys(LAYERS).map(layerRule),
  {
    files: ['renderer/**/*.ts', 'renderer/**/*.svelte'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: 'engine/(?!contract/index\\.ts$)', message: 'The renderer knows engine/contract and nothing else of the engine.' },
            NODE_BUILTINS,
          ],
        },
      ],
    },
  },
  ...svelte.configs.recommended.map((config) => ({
    ...config,
    files: config.files ?? ['renderer/**/*.svelte', 'renderer/**/*.svelte.ts'],
  })),
  {
    files: ['renderer/**/*.svelte', 'renderer/**/*.svelte.ts'],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'] },
    },
    rules: {
      // TypeScript and svelte-check see undefined and unused names better than the plain rules do.
      'no-undef': 'off',
      'no-unused-vars': 'off',
      'prefer-const': 'off',
      'svelte/prefer-svelte-reactivity': 'off',
      'svelte/no-unused-svelte-ignore': 'off',
    },
  },
  {
    // Configuration and tests of the renderer run in Node.
    files: ['renderer/*.ts', 'renderer/**/*.test.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
);
