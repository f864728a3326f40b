// Compiles kernels, which are TypeScript of integers, floats and memory (see engine/lab/kernel/intrinsics.ts), to a WebAssembly module:
//
//   functions   exported ones of the main file are exports of the module, `declare function` is an import from "host"; parameters and results are i32 or f64
//   values      i32 (wraps), f64, conditions (an i32); constants at the top of a file, and constants imported from anywhere in the engine
//   statements  const, let, assignments to locals, if, for, while, break, continue, return, calls
//   memory      load32(at, offset) and its kin, one instruction each
//
// V8 calls no WebAssembly function inline, so this does: a function that is not exported and is called at one place, or is one expression,
// is written out where it is called. Anything that is not in this list is an error with its place, never something else than it says.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseAst } from 'rolldown/parseAst';

const TYPE = { i32: 0x7f, f64: 0x7c };
const VOID = 0x40;

/** Operators by the type of their operands. */
const BINARY = {
  i32: {
    '+': 0x6a, '-': 0x6b, '*': 0x6c, '&': 0x71, '|': 0x72, '^': 0x73, '<<': 0x74, '>>': 0x75, '>>>': 0x76,
    '===': 0x46, '!==': 0x47, '<': 0x48, '>': 0x4a, '<=': 0x4c, '>=': 0x4e,
  },
  f64: { '+': 0xa0, '-': 0xa1, '*': 0xa2, '/': 0xa3, '===': 0x61, '!==': 0x62, '<': 0x63, '>': 0x64, '<=': 0x65, '>=': 0x66 },
}; // prettier-ignore
const COMPARISONS = new Set(['===', '!==', '<', '>', '<=', '>=']);

/** Intrinsics that read or write memory: opcode, alignment in powers of two (0: packet bytes lie anywhere), type of the value. */
const LOADS = {
  load8: [0x2d, 0, 'i32'],
  load16: [0x2f, 0, 'i32'],
  load32: [0x28, 2, 'i32'],
  load32Any: [0x28, 0, 'i32'],
  loadF64: [0x2b, 3, 'f64'],
};
const STORES = { store8: [0x3a, 0, 'i32'], store32: [0x36, 2, 'i32'], storeF64: [0x39, 3, 'f64'] };
/** Intrinsics that are one instruction: opcode, types of the operands, type of the result. */
const SIMPLE = {
  toF64: [[0xb7], ['i32'], 'f64'],
  toF64U: [[0xb8], ['i32'], 'f64'],
  toI32: [[0xfc, 0x02], ['f64'], 'i32'],
  ceil: [[0x9b], ['f64'], 'f64'],
  clz: [[0x67], ['i32'], 'i32'],
  ctz: [[0x68], ['i32'], 'i32'],
  rotl: [[0x77], ['i32', 'i32'], 'i32'],
  divU: [[0x6e], ['i32', 'i32'], 'i32'],
  ltU: [[0x49], ['i32', 'i32'], 'i32'],
  gtU: [[0x4b], ['i32', 'i32'], 'i32'],
};

function leb(value) {
  const out = [];
  for (let v = value; ; v = Math.floor(v / 128)) {
    if (v < 0x80) return [...out, v];
    out.push((v & 0x7f) | 0x80);
  }
}

function sleb(value) {
  const out = [];
  for (let v = value | 0; ; v >>= 7) {
    const byte = v & 0x7f;
    const rest = v >> 7;
    if ((rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0)) return [...out, byte];
    out.push(byte | 0x80);
  }
}

const f64Bytes = (value) => [...new Uint8Array(new Float64Array([value]).buffer)];

/** All that the files of a kernel declare, and what they want from elsewhere. */
class Program {
  functions = new Map();
  imports = new Map();
  constants = new Map();
  /** File -> names that are to be found there. */
  wanted = new Map();
  calls = new Map();

  constructor(entry) {
    this.entry = entry;
    this.folder = dirname(entry);
    this.read(entry, new Set());
  }

  read(file, seen) {
    if (seen.has(file)) return;
    seen.add(file);
    const source = readFileSync(file, 'utf8');
    const fail = (node, message) => {
      throw new Error(`${file}:${source.slice(0, node.start).split('\n').length}: ${message}`);
    };
    for (const node of parseAst(source, { lang: 'ts' }).body) {
      const named = node.type === 'ExportNamedDeclaration';
      if (node.type === 'ImportDeclaration') this.importOf(node, file, seen);
      else if (named && node.source !== null) {
        this.read(resolve(dirname(file), node.source.value), seen);
        for (const { local } of node.specifiers)
          (this.functions.get(local.name) ?? fail(node, `no function ${local.name}`)).exported = true;
      } else this.declare(named ? node.declaration : node, named && file === this.entry, fail);
    }
  }

  importOf(node, file, seen) {
    if (node.importKind === 'type') return;
    const target = resolve(dirname(file), node.source.value);
    if (target.endsWith('intrinsics.ts')) return;
    if (dirname(target) === this.folder) {
      this.read(target, seen);
      return;
    }
    const names = this.wanted.get(target) ?? new Set();
    for (const { imported } of node.specifiers) names.add(imported.name);
    this.wanted.set(target, names);
  }

  declare(node, exported, fail) {
    if (node.type === 'TSTypeAliasDeclaration') return;
    if (node.type === 'FunctionDeclaration' || node.type === 'TSDeclareFunction') {
      const { name } = node.id;
      if (this.functions.has(name) || this.imports.has(name)) fail(node, `${name} is declared twice`);
      const params = node.params.map((p) => ({ name: p.name, type: typeOf(p.typeAnnotation, fail, p) }));
      const result = node.returnType === null || node.returnType === undefined ? undefined : typeOf(node.returnType, fail, node);
      const made = { name, params, result, body: node.body, exported, fail };
      if (node.body === null) this.imports.set(name, { ...made, index: this.imports.size });
      else this.functions.set(name, made);
      if (node.body !== null) countCalls(node.body, this.calls);
      return;
    }
    if (node.type !== 'VariableDeclaration' || node.kind !== 'const') fail(node, `${node.type} is not for kernels`);
    for (const { id, init } of node.declarations) this.constants.set(id.name, { init, fail });
  }

  /** Value of a constant; undefined if there is none of this name. */
  constant(name) {
    const found = this.constants.get(name);
    if (found === undefined || typeof found === 'number') return found;
    const value = this.evaluate(found.init, found.fail);
    this.constants.set(name, value);
    return value;
  }

  evaluate(node, fail) {
    const value = this.fold(node);
    return value ?? fail(node, 'a constant is made of numbers and constants');
  }

  /** Number that an expression of constants has, undefined for any other. */
  fold(node) {
    if (node.type === 'Literal' && typeof node.value !== 'string') return Number(node.value);
    if (node.type === 'Identifier') return this.constant(node.name);
    if (node.type === 'UnaryExpression') {
      const v = this.fold(node.argument);
      return v === undefined ? undefined : node.operator === '-' ? -v : node.operator === '~' ? ~v : undefined;
    }
    if (node.type !== 'BinaryExpression') return undefined;
    const [a, b] = [this.fold(node.left), this.fold(node.right)];
    if (a === undefined || b === undefined) return undefined;
    const by = {
      '+': a + b,
      '-': a - b,
      '*': a * b,
      '/': a / b,
      '<<': a << b,
      '>>': a >> b,
      '>>>': a >>> b,
      '&': a & b,
      '|': a | b,
      '^': a ^ b,
    };
    return by[node.operator];
  }
}

function typeOf(annotation, fail, node) {
  const type = annotation?.typeAnnotation;
  if (type?.type === 'TSVoidKeyword') return undefined;
  if (type?.type === 'TSBooleanKeyword') return 'i32';
  const name = type?.typeName?.name;
  return name === 'i32' || name === 'f64' ? name : fail(node, 'a kernel knows the types i32 and f64');
}

function walk(node, visit) {
  if (Array.isArray(node)) node.forEach((each) => walk(each, visit));
  else if (node !== null && typeof node === 'object' && typeof node.type === 'string') {
    visit(node);
    for (const value of Object.values(node)) if (value !== null && typeof value === 'object') walk(value, visit);
  }
}

function countCalls(body, calls) {
  walk(body, (node) => {
    if (node.type === 'CallExpression') calls.set(node.callee.name, (calls.get(node.callee.name) ?? 0) + 1);
  });
}

/** Whether a function can be written out where it is called: it returns at its end at most. */
function returnsLast({ body }) {
  let returns = 0;
  walk(body, (node) => {
    if (node.type === 'ReturnStatement') returns++;
  });
  return returns === 0 || (returns === 1 && body.body.at(-1).type === 'ReturnStatement');
}

class FunctionCompiler {
  code = [];
  locals = [];
  scopes = [];
  /** What is open around the place of the code: 'break', 'continue' or anything. */
  blocks = [];

  constructor(program, fn, indexOf) {
    this.program = program;
    this.fn = fn;
    this.indexOf = indexOf;
    this.fail = fn.fail;
    this.scopes.push(new Map(fn.params.map(({ name, type }, index) => [name, { index, type }])));
    for (const statement of fn.body.body) this.statement(statement);
    if (fn.result !== undefined && fn.body.body.at(-1)?.type !== 'ReturnStatement')
      this.fail(fn.body, 'the last statement returns a value');
  }

  bytes() {
    const declared = this.locals.flatMap((type) => [1, TYPE[type]]);
    const body = [...leb(this.locals.length), ...declared, ...this.code, 0x0b];
    return [...leb(body.length), ...body];
  }

  put(...bytes) {
    this.code.push(...bytes);
  }

  fresh(type) {
    this.locals.push(type);
    return { index: this.fn.params.length + this.locals.length - 1, type };
  }

  find(node) {
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const found = this.scopes[i].get(node.name);
      if (found !== undefined) return found;
      // What is written out here knows its own names only.
      if (this.scopes[i].closed) break;
    }
    return undefined;
  }

  variable(node) {
    return (node.type === 'Identifier' ? this.find(node) : undefined) ?? this.fail(node, 'a local variable is needed here');
  }

  scoped(body, scope = new Map()) {
    this.scopes.push(scope);
    body();
    this.scopes.pop();
  }

  block(kind, opcode, body, type = VOID) {
    this.blocks.push(kind);
    this.put(opcode, type);
    body();
    this.put(0x0b);
    this.blocks.pop();
  }

  branch(node, kind) {
    const at = this.blocks.lastIndexOf(kind);
    if (at < 0 || this.blocks.indexOf('inline', at) >= 0) this.fail(node, `nothing to ${kind} here`);
    this.put(0x0c, ...leb(this.blocks.length - 1 - at));
  }

  statement(node) {
    const by = this[node.type];
    if (by === undefined) this.fail(node, `${node.type} is not for kernels`);
    by.call(this, node);
  }

  BlockStatement({ body }) {
    this.scoped(() => body.forEach((each) => this.statement(each)));
  }

  VariableDeclaration(node) {
    for (const { id, init } of node.declarations) {
      if (init === null) this.fail(node, 'a variable begins with a value');
      const wanted = id.typeAnnotation ? typeOf(id.typeAnnotation, this.fail, id) : undefined;
      const type = this.expression(init, wanted);
      const local = this.fresh(type);
      this.put(0x21, ...leb(local.index));
      this.scopes.at(-1).set(id.name, local);
    }
  }

  ExpressionStatement({ expression }) {
    if (expression.type === 'AssignmentExpression') this.assign(expression);
    else if (expression.type === 'UpdateExpression') this.update(expression);
    else if (expression.type === 'CallExpression') {
      if (this.call(expression) !== undefined) this.put(0x1a);
    } else this.fail(expression, 'a statement is an assignment or a call');
  }

  assign(node) {
    const local = this.variable(node.left);
    const operator = node.operator.slice(0, -1);
    if (operator === '') this.expression(node.right, local.type);
    else {
      this.put(0x20, ...leb(local.index));
      this.expression(node.right, local.type);
      this.put(BINARY[local.type][operator] ?? this.fail(node, `no ${node.operator} for ${local.type}`));
    }
    this.put(0x21, ...leb(local.index));
  }

  update(node) {
    const local = this.variable(node.argument);
    if (local.type !== 'i32') this.fail(node, `${node.operator} is for i32`);
    this.put(0x20, ...leb(local.index), 0x41, 1, node.operator === '++' ? 0x6a : 0x6b, 0x21, ...leb(local.index));
  }

  IfStatement({ test, consequent, alternate }) {
    this.condition(test);
    this.block('if', 0x04, () => {
      this.statement(consequent);
      if (alternate !== null) {
        this.put(0x05);
        this.statement(alternate);
      }
    });
  }

  WhileStatement({ test, body }) {
    this.loop(undefined, test, undefined, body);
  }

  ForStatement({ init, test, update, body }) {
    this.scoped(() => this.loop(init, test, update, body));
  }

  loop(init, test, update, body) {
    if (init) this.statement(init);
    this.block('break', 0x02, () => {
      this.block('loop', 0x03, () => {
        if (test) {
          this.condition(test);
          this.put(0x45, 0x0d, 1);
        }
        this.block('continue', 0x02, () => this.statement(body));
        if (update) this.ExpressionStatement({ expression: update });
        this.put(0x0c, 0);
      });
    });
  }

  BreakStatement(node) {
    this.branch(node, 'break');
  }

  ContinueStatement(node) {
    this.branch(node, 'continue');
  }

  ReturnStatement(node) {
    // The value of a function that is written out stays on the stack.
    if (this.inlining !== undefined) {
      if (node.argument !== null) this.expression(node.argument, this.inlining.result);
      return;
    }
    if (node.argument !== null) this.expression(node.argument, this.fn.result);
    this.put(0x0f);
  }

  /** Leaves an i32 that is not zero where the condition holds. */
  condition(node) {
    if (this.expression(node) !== 'i32') this.fail(node, 'a condition is an i32');
  }

  number(value, type) {
    if (type === 'f64' || (type === undefined && !Number.isInteger(value))) {
      this.put(0x44, ...f64Bytes(value));
      return 'f64';
    }
    this.put(0x41, ...sleb(value));
    return 'i32';
  }

  /** Leaves the value of an expression; returns its type, which must be `wanted` where that is given. */
  expression(node, wanted) {
    const type = this.value(node, wanted);
    if (type === undefined || (wanted !== undefined && type !== wanted))
      this.fail(node, `${type ?? 'nothing'} where ${wanted ?? 'a value'} is needed`);
    return type;
  }

  value(node, wanted) {
    const local = node.type === 'Identifier' ? this.find(node) : undefined;
    if (local !== undefined) {
      this.put(0x20, ...leb(local.index));
      return local.type;
    }
    const folded = this.folded(node);
    if (folded !== undefined) return this.number(folded, wanted);
    if (node.type === 'BinaryExpression') return this.binary(node, COMPARISONS.has(node.operator) ? undefined : wanted);
    if (node.type === 'LogicalExpression') return this.logical(node);
    if (node.type === 'ConditionalExpression') return this.conditional(node, wanted);
    if (node.type === 'UnaryExpression') return this.unary(node, wanted);
    if (node.type === 'CallExpression') return this.call(node);
    return this.fail(node, `${node.type} ${node.name ?? ''} is not known here`);
  }

  /** As Program.fold, with locals before constants of the same name. */
  folded(node) {
    let local = false;
    walk(node, (each) => {
      if (each.type === 'Identifier' && this.find(each) !== undefined) local = true;
    });
    return local ? undefined : this.program.fold(node);
  }

  binary(node, wanted) {
    const { operator, left, right } = node;
    // A number takes the type of what it is combined with.
    const leading = this.folded(left) !== undefined ? (wanted ?? this.typeOf(right)) : wanted;
    const type = this.expression(left, leading);
    this.expression(right, type);
    this.put(BINARY[type][operator] ?? this.fail(node, `no ${operator} for ${type}`));
    return COMPARISONS.has(operator) ? 'i32' : type;
  }

  /** Type of an expression, without its code. */
  typeOf(node) {
    const [code, locals, blocks] = [this.code, this.locals, this.blocks];
    [this.code, this.locals] = [[], [...locals]];
    const type = this.value(node);
    [this.code, this.locals, this.blocks] = [code, locals, blocks];
    return type;
  }

  logical({ operator, left, right }) {
    this.condition(left);
    this.block('if', 0x04, () => {
      if (operator === '&&') this.condition(right);
      else this.put(0x41, 1);
      this.put(0x05);
      if (operator === '&&') this.put(0x41, 0);
      else this.condition(right);
    }, TYPE.i32); // prettier-ignore
    return 'i32';
  }

  conditional({ test, consequent, alternate }, wanted) {
    const type = wanted ?? (this.folded(consequent) === undefined ? this.typeOf(consequent) : this.typeOf(alternate));
    this.condition(test);
    this.block('if', 0x04, () => {
      this.expression(consequent, type);
      this.put(0x05);
      this.expression(alternate, type);
    }, TYPE[type]); // prettier-ignore
    return type;
  }

  unary(node, wanted) {
    if (node.operator === '!') {
      this.condition(node.argument);
      this.put(0x45);
      return 'i32';
    }
    if (node.operator === '~') {
      this.expression(node.argument, 'i32');
      this.put(0x41, 0x7f, 0x73);
      return 'i32';
    }
    if (node.operator !== '-') this.fail(node, `no ${node.operator}`);
    const type = wanted ?? this.typeOf(node.argument);
    if (type === 'i32') this.put(0x41, 0);
    this.expression(node.argument, type);
    this.put(type === 'i32' ? 0x6b : 0x9a);
    return type;
  }

  /** A call; returns the type of its result, undefined for none. */
  call(node) {
    const { name } = node.callee;
    const args = node.arguments;
    if (LOADS[name] !== undefined) return this.memory(LOADS[name], args, node);
    if (STORES[name] !== undefined) return this.memory(STORES[name], args, node);
    if (SIMPLE[name] !== undefined) {
      const [bytes, types, result] = SIMPLE[name];
      types.forEach((type, i) => this.expression(args[i], type));
      this.put(...bytes);
      return result;
    }
    if (name === 'select') return this.select(args);
    const fn = this.program.functions.get(name) ?? this.program.imports.get(name) ?? this.fail(node, `there is no function ${name}`);
    if (args.length !== fn.params.length) this.fail(node, `${name} takes ${fn.params.length} arguments`);
    args.forEach((arg, i) => this.expression(arg, fn.params[i].type));
    if (isInlined(this.program, fn)) this.writeOut(fn);
    else this.put(0x10, ...leb(this.indexOf(name)));
    return fn.result;
  }

  /** load(at, offset) and store(at, offset, value); an offset that is a constant is part of the instruction. */
  memory([opcode, align, type], args, node) {
    const store = args.length === 3;
    const offset = args[1] === undefined ? 0 : this.folded(args[1]);
    this.expression(args[0], 'i32');
    if (offset === undefined) {
      this.expression(args[1], 'i32');
      this.put(0x6a);
    } else if (offset < 0) this.fail(node, 'an offset that is a constant is not negative');
    if (store) this.expression(args[2], type);
    this.put(opcode, align, ...leb(offset ?? 0));
    return store ? undefined : type;
  }

  /** select(condition, a, b): both are worked out, and no branch is taken. */
  select([test, a, b]) {
    const type = this.folded(a) === undefined ? this.typeOf(a) : this.typeOf(b);
    this.expression(a, type);
    this.expression(b, type);
    this.condition(test);
    this.put(0x1b);
    return type;
  }

  /** The body of a function, whose arguments are on the stack. */
  writeOut(fn) {
    const scope = new Map(fn.params.map(({ name, type }) => [name, this.fresh(type)]));
    scope.closed = true;
    for (const { name } of [...fn.params].reverse()) this.put(0x21, ...leb(scope.get(name).index));
    const [fail, inlining] = [this.fail, this.inlining];
    [this.fail, this.inlining] = [fn.fail, fn];
    this.blocks.push('inline');
    this.put(0x02, fn.result === undefined ? VOID : TYPE[fn.result]);
    this.scoped(() => fn.body.body.forEach((each) => this.statement(each)), scope);
    this.put(0x0b);
    this.blocks.pop();
    [this.fail, this.inlining] = [fail, inlining];
  }
}

function isInlined(program, fn) {
  if (fn.body === null || fn.exported || !returnsLast(fn)) return false;
  const expression = fn.body.body.length === 1 && fn.body.body[0].type === 'ReturnStatement';
  return expression || program.calls.get(fn.name) === 1;
}

function section(id, entries) {
  const body = [...leb(entries.length), ...entries.flat()];
  return [id, ...leb(body.length), ...body];
}

const text = (value) => [...leb(value.length), ...Array.from(value, (c) => c.charCodeAt(0))];
const signature = ({ params, result }) => [
  0x60,
  ...leb(params.length),
  ...params.map(({ type }) => TYPE[type]),
  ...(result === undefined ? [0] : [1, TYPE[result]]),
];

/** Values of constants that kernels import from the engine, which they share with it. */
async function importedConstants(wanted, constants) {
  const { rolldown } = await import('rolldown');
  const code = [...wanted].map(([file, names]) => `export { ${[...names].join(', ')} } from ${JSON.stringify(file)};`).join('\n');
  const entry = '\0constants';
  const bundle = await rolldown({
    input: entry,
    platform: 'neutral',
    treeshake: { moduleSideEffects: false },
    plugins: [{ name: 'constants', resolveId: (id) => (id === entry ? id : null), load: (id) => (id === entry ? code : null) }],
    logLevel: 'silent',
    external: [/^node:/, 'zod', 'yaml'],
  });
  const { output } = await bundle.generate({ format: 'esm' });
  await bundle.close();
  const values = await import(`data:text/javascript,${encodeURIComponent(output[0].code)}`);
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== 'number') throw new Error(`${name} is no number: kernels import constants only`);
    constants.set(name, value);
  }
}

/** The module of the kernel whose main file is `entry`, as bytes. */
export async function compileKernel(entry) {
  const program = new Program(entry);
  if (program.wanted.size > 0) await importedConstants(program.wanted, program.constants);
  const imports = [...program.imports.values()];
  const functions = [...program.functions.values()].filter((fn) => !isInlined(program, fn));
  const index = new Map([...imports, ...functions].map(({ name }, i) => [name, i]));
  const bodies = functions.map((fn) => new FunctionCompiler(program, fn, (name) => index.get(name)).bytes());
  const memory = [...text('host'), ...text('memory'), 0x02, 0x03, ...leb(1), ...leb(65_536)];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [...imports, ...functions].map(signature)),
    ...section(2, [memory, ...imports.map(({ name }, i) => [...text('host'), ...text(name), 0x00, ...leb(i)])]),
    ...section(3, functions.map((_, i) => leb(imports.length + i))),
    ...section(7, functions.filter((fn) => fn.exported).map(({ name }) => [...text(name), 0x00, ...leb(index.get(name))])),
    ...section(10, bodies),
  ]); // prettier-ignore
}
