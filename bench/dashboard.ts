import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { Hasty } from '../client/index.ts'
import { openBrowser, openPage } from '../e2e/support/browser.ts'
import { startHasty } from '../e2e/support/hasty.ts'
import { withFilledStore } from './fill-store.ts'
import { quantilesOf } from './quantiles.ts'

// `node scripts/run.mjs bench/dashboard.ts [JOBS] [SECONDS]`: the dashboard over so many jobs. How long a browser takes
// to show a screen, and what an open page costs it while jobs are made and end. Prints a part of docs/performance.md.

const JOBS = Number(process.argv[2] ?? 1_000_000)
const SECONDS = Number(process.argv[3] ?? 60)
/** Each screen is opened so many times. */
const OPENINGS = 15
/** Each job has three events or, if it is short, two: a thousand make two thousand at the least. */
const JOBS_PER_S = 1_000
const BATCHES_PER_S = 20

/** Screens, and what is there once their first facts are. */
const SCREENS: Record<string, string> = {
  '/jobs': 'main table tbody tr a',
  '/jobs?status=failed&type=resize': 'main table tbody tr a',
  '/failed': 'main table tbody tr',
  '': 'main .uplot',
}

interface Opened {
  cold: number[]
  warm: number[]
}

/** @returns milliseconds from the start of the navigation until the element is in the document, by the page's clock */
async function open(page: Page, address: string, first: string): Promise<number> {
  await page.goto(address, { waitUntil: 'commit' })
  // Asked in each frame of the page: the way from here to the browser does not count.
  const shown = `new Promise((resolve) => {
    const look = () => document.querySelector(${JSON.stringify(first)}) ? resolve(performance.now()) : requestAnimationFrame(look)
    look()
  })`
  return page.evaluate<number>(shown)
}

/** Opens a screen in a browser that knows nothing of it, then again with its files in the cache. */
async function openOften(browser: Browser, origin: string, path: string, first: string): Promise<Opened> {
  const times: Opened = { cold: [], warm: [] }
  for (let n = 0; n < OPENINGS; n++) {
    await using watched = await openPage(browser, { origin })
    times.cold.push(await open(watched.page, `${origin}/ui${path}`, first))
    times.warm.push(await open(watched.page, `${origin}/ui${path}`, first))
  }
  return times
}

/** Makes and ends short jobs at a steady pace. @returns how many there were a second */
async function makeJobs(url: string, seconds: number): Promise<number> {
  const client = new Hasty({ url })
  const job = { type: 'add', payload: { numbers: [1, 2] } }
  const jobs = Array.from({ length: JOBS_PER_S / BATCHES_PER_S }, () => job)
  const startedMs = performance.now()
  let made = 0
  for (let n = 0; n < seconds * BATCHES_PER_S; n++) {
    await client.batch(jobs)
    made += jobs.length
    await sleep(Math.max(0, startedMs + ((n + 1) * 1_000) / BATCHES_PER_S - performance.now()))
  }
  return (made * 1_000) / (performance.now() - startedMs)
}

const WATCH_TASKS = `globalThis.longTasks = []
new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
  .observe({ type: 'longtask' })`

/** Bytes of the page's heap after a collection. */
async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return usedSize
}

/** Leaves a screen open while jobs are made. */
async function leaveOpen(browser: Browser, origin: string, path: string, first: string) {
  await using watched = await openPage(browser, { origin })
  const { page, faults } = watched
  await open(page, `${origin}/ui${path}`, first)
  // Jobs are made for a while before anything is measured, so that what opening the page cost is not counted.
  await makeJobs(origin, SECONDS / 6)
  await page.evaluate(WATCH_TASKS)
  const before = await heapOf(page)
  const perS = await makeJobs(origin, SECONDS)
  const after = await heapOf(page)
  const longTasks = await page.evaluate<number[]>('longTasks')
  return { perS, longTasks, before, after, faults }
}

const at = (times: readonly number[], share: number): string =>
  Math.round(quantilesOf(times)(share) ?? Number.NaN).toString()
const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)

await using browser = await openBrowser()
await withFilledStore(JOBS, Date.now(), async ({ store, env }) => {
  await store.close()
  console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, Chromium ${browser.version()}`)
  await using hasty = await startHasty({ env })
  console.log(`\n| of ${JOBS} jobs, until the first rows, p50 / max ms | empty cache | again |\n| --- | --- | --- |`)
  for (const [path, first] of Object.entries(SCREENS)) {
    const { cold, warm } = await openOften(browser, hasty.url, path, first)
    console.log(`| /ui${path} | ${at(cold, 0.5)} / ${at(cold, 0.999)} | ${at(warm, 0.5)} / ${at(warm, 0.999)} |`)
  }
  console.log(`\n| open for ${SECONDS} s | jobs/s | tasks over 50 ms, and the longest | heap before / after, MiB |`)
  console.log('| --- | --- | --- | --- |')
  for (const [path, first] of [
    ['', 'main .uplot'],
    ['/jobs', 'main table tbody tr a'],
  ] as const) {
    const { perS, longTasks, before, after, faults } = await leaveOpen(browser, hasty.url, path, first)
    const tasks = longTasks.length === 0 ? 'none' : `${longTasks.length}, ${at(longTasks, 0.999)} ms`
    console.log(`| /ui${path} | ${Math.round(perS)} | ${tasks} | ${mib(before)} / ${mib(after)} |`)
    for (const fault of faults) console.log(`not clean: ${fault}`)
  }
})
