import type { Browser } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { openBrowser, openPage, type PageOptions, type Watched } from './browser.ts'
import type { Hasty } from './hasty.ts'

/** A Hasty whose pages a browser opens. */
export interface Site {
  /** The services, which are there once the hooks before the tests have run. */
  readonly hasty: Hasty
  /** Opens a page that may send requests to this Hasty alone. */
  open: (options?: Omit<PageOptions, 'origin'>) => Promise<Watched>
}

/** Starts a Hasty and a browser before the tests of a `describe`, and ends both after them. */
export function startSite(start: () => Promise<Hasty>): Site {
  let hasty: Hasty
  let browser: Browser
  beforeAll(async () => {
    // Both to their end: where one fails, the other is still ended after the tests.
    const starts = await Promise.allSettled([
      start().then((started) => {
        hasty = started
      }),
      openBrowser().then((opened) => {
        browser = opened
      }),
    ])
    for (const each of starts) if (each.status === 'rejected') throw each.reason
  })
  afterAll(async () => {
    await browser?.close()
    await hasty?.stop()
  })
  return {
    get hasty() {
      return hasty
    },
    open: (options = {}) => openPage(browser, { ...options, origin: hasty.url }),
  }
}
