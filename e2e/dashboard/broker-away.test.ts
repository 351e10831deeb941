// A broker that stands still: the page says so on every screen, shows what the store has, and goes on by itself.

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { browserPath, openBrowser, openPage } from '../support/browser.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'

const UNTIL_NOTICED_MS = 40_000

describe.skipIf(browserPath instanceof Error)('while the broker is away', () => {
  let hasty: Hasty
  let browser: Browser
  beforeAll(async () => {
    ;[hasty, browser] = await Promise.all([startInProcess(), openBrowser()])
  })
  afterAll(async () => {
    await hasty?.nats.kill('SIGCONT')
    await browser?.close()
    await hasty?.stop()
  })

  test('the page says so, keeps what it shows, and goes on when the broker is back', async () => {
    const id = await makeJob(hasty, { type: 'add', payload: { numbers: [1e308, 1e308] }, object_id: 'before' })
    await untilJob(hasty, id, { status: 'failed' })
    await using watched = await openPage(browser, { origin: hasty.url })
    const { page } = watched
    page.setDefaultTimeout(UNTIL_NOTICED_MS)
    await page.goto(`${hasty.url}/ui/jobs`)
    await page.getByRole('link', { name: 'before' }).waitFor()
    await hasty.nats.kill('SIGSTOP')
    await page.getByRole('alert').getByText('The broker is away').waitFor()
    expect(await page.getByRole('link', { name: 'before' }).count()).toBe(1)
    await page.getByRole('link', { name: 'before' }).click()
    await page.getByRole('button', { name: 'Retry', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click()
    await page
      .getByRole('dialog')
      .getByText(/broker/)
      .waitFor()
    await hasty.nats.kill('SIGCONT')
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await makeJob(hasty, { type: 'add', payload: { numbers: [1] } })
  })
})
