// Runs a TypeScript file of this repository on Node 24, whatever Node the machine has: `node scripts/run.mjs FILE [ARGS]`.
// Plain JavaScript for Node 20, because it runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const modules = join(root, 'node_modules')
// Type stripping is stable from here on.
const wanted = [24, 12]
// A terminal's Ctrl-C reaches npm, this process and its child, and npm passes it on once more: one key press, one
// signal.
const echoMs = 1000

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

// Compares contents, not times: a checkout touches files without changing them.
function isInstalled() {
  const locked = packagesOf(join(root, 'package-lock.json'))
  const installed = packagesOf(join(modules, '.package-lock.json'))
  if (!locked || !installed) return false
  return Object.entries(locked).every(([path, entry]) => {
    if (path === '') return true
    const there = installed[path]
    return there ? there.version === entry.version : entry.optional === true || entry.devOptional === true
  })
}

function install() {
  process.stderr.write('Installing packages (npm ci), a few seconds ...\n')
  // `npm ci` refuses a lockfile without the packages of other platforms, as a registry that lacks them makes it; the
  // second way keeps to the locked versions too, and writes nothing.
  if (npm(['ci'], 'pipe') !== 0 && npm(['install', '--no-save'], 2) !== 0) {
    fail(`The packages could not be installed. Try npm ci by hand in ${root}.`)
  }
}

function npm(how, errors) {
  // Both groups by name: NODE_ENV=production or an npmrc would leave them out, and Node 24 itself is an optional one.
  const options = [
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-fund',
    '--no-audit',
    '--loglevel=error',
  ]
  const script = process.env.npm_execpath
  const [command, prefix] = script?.endsWith('.js') ? [process.execPath, [script]] : ['npm', []]
  return spawnSync(command, [...prefix, ...how, ...options], { cwd: root, stdio: ['ignore', errors, errors] }).status
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1])
}

function versionOf(node) {
  if (node === process.execPath) return process.versions.node
  return packagedVersion(node) ?? spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout ?? ''
}

// What starts a program on Linux with glibc: without it (Alpine) the packages' Node is there and does not run.
const loaders = { x64: '/lib64/ld-linux-x86-64.so.2', arm64: '/lib/ld-linux-aarch64.so.1' }

// The package that brings Node has its version: to ask the program takes as long as a start of it.
function packagedVersion(node) {
  try {
    if (!existsSync(loaders[process.arch])) return undefined
    const { name, version } = JSON.parse(readFileSync(join(dirname(realpathSync(node)), '..', 'package.json'), 'utf8'))
    return name.startsWith('node-') ? version : undefined
  } catch {
    return undefined
  }
}

function findNode() {
  const candidates = [join(modules, '.bin', 'node'), process.execPath].filter((path) => existsSync(path))
  return candidates.find((path) => isNewEnough(versionOf(path)))
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

// Files that were stripped of types and compiled once are cached: a service starts in a third of the time.
const compileCache = { NODE_COMPILE_CACHE: join(root, '.cache', 'compile') }

function run(node, args) {
  const child = spawn(node, args, { stdio: 'inherit', env: { ...compileCache, ...process.env } })
  const lastSent = {}
  const forward = (signal) => {
    const now = performance.now()
    // On a terminal the child, in our process group, has had the SIGINT already.
    const echoed = signal === 'SIGINT' && process.stdin.isTTY
    if (!echoed && !(now - lastSent[signal] < echoMs)) child.kill(signal)
    lastSent[signal] = now
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, forward)
  child.on('error', (error) => fail(`${node} did not start: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

const [file, ...rest] = process.argv.slice(2)
if (!file) fail('usage: node scripts/run.mjs FILE [ARGS]')
if (!isInstalled()) install()
let node = findNode()
if (!node) {
  // npm leaves an optional package out without a word where its download failed: once more, if that was the reason.
  install()
  node = findNode()
}
if (!node) {
  fail(
    `Hasty needs Node ${wanted.join('.')} or newer; this is ${process.versions.node}, and npm has no Node package for ` +
      `${process.platform}-${process.arch} here. Install Node 24 and run the same command again.`,
  )
}
run(node, [join(root, file), ...rest])
