#!/bin/sh
':' //; n="$(dirname "$(readlink -f "$0")")/../node_modules/.bin/node"
':' //; [ -x "$n" ] && [ -e /lib*/ld-linux-*.so.* ] 2>/dev/null || n=node
':' //; exec "$n" "$0" "$@"

// `hasty`: the command line on Node 24, whatever Node the machine has. To Node the lines above are comments. A shell runs
// them: they start the Node that the packages have, where it can run (it needs glibc). To start the machine's own first
// would take twice as long. All else is plain JavaScript for Node 20.
import { readFileSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const readJson = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))

/** Whether this Node runs TypeScript, and the one package that commands need is the right one. */
function isReady() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 24 || (major === 24 && minor < 12)) return false
  try {
    const { version } = readJson('../node_modules/commander/package.json')
    return version === readJson('../package.json').dependencies.commander
  } catch {
    return false
  }
}

if (isReady()) {
  // NODE_COMPILE_CACHE, where it is set, counts more.
  module.enableCompileCache(fileURLToPath(new URL('../.cache/compile', import.meta.url)))
  await import('./main.ts')
} else {
  // Installs what is missing, and finds a Node.
  process.argv.splice(2, 0, 'cli/main.ts')
  await import('../scripts/run.mjs')
}
