import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { findChromium } from '../../scripts/servers/chromium.ts'

/** Why there is no browser, or its path: tests of pages are skipped without one. */
export const browserPath = await findChromium().catch((error: unknown) => new Error('no browser', { cause: error }))

/** Nothing that a browser does by itself: it speaks with the test's own addresses alone. */
const ARGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking ' +
  '--disable-component-update --disable-sync'

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: String(browserPath), args: ARGS.split(' ') })

export type Theme = 'light' | 'dark'

/** A page, and whatever went wrong in it. */
export interface Watched extends AsyncDisposable {
  page: Page
  context: BrowserContext
  /** Errors on the console, uncaught ones, reports of the content policy, and requests to elsewhere. */
  faults: string[]
  /** Bytes of the page's own files that came over the wire; what a test reads from its cache is none. */
  bytes: () => number
}

export interface PageOptions {
  theme?: Theme
  width?: number
  /** Where the page may send requests to. */
  origin: string
}

/** In the page: what its content policy has stopped goes to the console, where the test reads it. */
const TELL_VIOLATIONS = `document.addEventListener('securitypolicyviolation', (event) =>
  console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI))`

export async function openPage(
  browser: Browser,
  { theme = 'light', width = 1280, origin }: PageOptions,
): Promise<Watched> {
  const context = await browser.newContext({
    colorScheme: theme,
    viewport: { width, height: width < 500 ? 844 : 860 },
    reducedMotion: 'reduce',
  })
  await context.addInitScript({ content: TELL_VIOLATIONS })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const faults: string[] = []
  let received = 0
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.message}`))
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) faults.push(`elsewhere: ${request.url()}`)
  })
  page.on('response', (response) => {
    if (new URL(response.url()).pathname.startsWith('/ui'))
      received += Number(response.headers()['content-length'] ?? 0)
  })
  return { page, context, faults, bytes: () => received, [Symbol.asyncDispose]: () => context.close() }
}

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

interface AxeResult {
  violations: { id: string; nodes: { target: unknown[]; failureSummary?: string }[] }[]
}

/** Rules whose outcome the colours change. */
const COLOUR_RULES = ['color-contrast', 'link-in-text-block']

/**
 * What axe finds wrong on the page, one line each. It is run by the debugger: the page's policy lets in no script.
 * @param only `colours` where everything else was looked at before, in the other theme
 */
export async function axeViolations(page: Page, only: 'all' | 'colours' = 'all'): Promise<string[]> {
  if (!(await page.evaluate<boolean>('"axe" in globalThis'))) await page.evaluate(await readFile(axePath, 'utf8'))
  const options = {
    resultTypes: ['violations'],
    preload: false,
    ...(only === 'colours' ? { runOnly: { type: 'rule', values: COLOUR_RULES } } : {}),
  }
  const { violations } = await page.evaluate<AxeResult>(`axe.run(document, ${JSON.stringify(options)})`)
  return violations.flatMap(({ id, nodes }) =>
    nodes
      .slice(0, 3)
      .map(({ target, failureSummary }) => `${id} at ${JSON.stringify(target)}: ${failureSummary ?? ''}`),
  )
}
