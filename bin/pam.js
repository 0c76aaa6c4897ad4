#!/usr/bin/env node
/**
 * Starts `dist/main.cjs`. CommonJS (`package.json` beside this file says so), because Node starts that in three
 * quarters of the time; the version is told before anything is loaded.
 *
 * The build leaves V8's compiled code beside each file of the program. It is used only where it can be trusted as
 * the program itself: in its directory, of the same owner, writable by nobody else, and not older. It is never
 * written here, is no part of the package, and V8 refuses that of another Node: then the source is compiled as ever.
 */
'use strict';
const { readFileSync, statSync, writeSync } = require('node:fs');

if (process.argv.length === 3 && process.argv[2] === '--version') {
  tellVersion();
} else {
  load(require('node:path').join(__dirname, '../dist'), './main.cjs', new Map());
}

function tellVersion() {
  try {
    writeSync(1, `${require('../package.json').version}\n`);
  } catch (error) {
    // Whoever closes the pipe has seen enough.
    if (error.code !== 'EPIPE') throw error;
  }
}

/** What `require` does, with compiled code. `name`: as the bundle says it, `./<file>`. */
function load(directory, name, loaded) {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const { wrap } = require('node:module');
  const { Script } = require('node:vm');
  const filename = `${directory}${name.slice(1)}`;
  const cachedData = compiledCode(filename);
  const script = new Script(wrap(readFileSync(filename, 'latin1')), { filename, cachedData });
  const module = { exports: {} };
  loaded.set(name, module);
  const requireFrom = (wanted) =>
    wanted.startsWith('./') ? load(directory, wanted, loaded) : require(wanted);
  script.runInThisContext()(module.exports, requireFrom, module, filename, directory);
  return module.exports;
}

function compiledCode(filename) {
  const place = `${filename}.cache`;
  const cache = statSync(place, { throwIfNoEntry: false });
  if (cache === undefined || (cache.mode & 0o022) !== 0) return undefined;
  const program = statSync(filename);
  return cache.uid === program.uid && cache.mtimeMs >= program.mtimeMs ? readFileSync(place) : undefined;
}
