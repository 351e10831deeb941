#!/usr/bin/env node
// `hasty`: the command line on Node 24, whatever Node the machine has. Plain JavaScript for Node 20.
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)
const isNewEnough = major > 24 || (major === 24 && minor >= 12)

// A Node that can run TypeScript needs no second one. Anything else, also a first run without packages, is run.mjs's.
if (isNewEnough && existsSync(new URL('../node_modules/commander', import.meta.url))) {
  // NODE_COMPILE_CACHE, where it is set, counts more.
  module.enableCompileCache(fileURLToPath(new URL('../.cache/compile', import.meta.url)))
  await import('./main.ts')
} else {
  process.argv.splice(2, 0, 'cli/main.ts')
  await import('../scripts/run.mjs')
}
