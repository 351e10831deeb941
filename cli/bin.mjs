#!/usr/bin/env node
// `hasty`: the command line on Node 24, whatever Node the machine has.
process.argv.splice(2, 0, 'cli/main.ts')
await import('../scripts/run.mjs')
