// A broker that stands still: the page says so on every screen, shows what the store has, and goes on by itself.

import { afterAll, describe, expect, test } from 'vitest'
import { browserPath } from '../support/browser.ts'
import { startInProcess } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'
import { startSite } from '../support/site.ts'

const UNTIL_NOTICED_MS = 40_000

describe.skipIf(browserPath instanceof Error)('while the broker is away', () => {
  const site = startSite(startInProcess)
  // It runs before the hook that ends the services, which need their broker for that.
  afterAll(() => site.hasty?.nats.kill('SIGCONT'))

  test('the page says so, keeps what it shows, and goes on when the broker is back', async () => {
    const id = await makeJob(site.hasty, { type: 'add', payload: { numbers: [1e308, 1e308] }, object_id: 'before' })
    await untilJob(site.hasty, id, { status: 'failed' })
    await using watched = await site.open()
    const { page } = watched
    page.setDefaultTimeout(UNTIL_NOTICED_MS)
    await page.goto(`${site.hasty.url}/ui/jobs`)
    await page.getByRole('link', { name: 'before' }).waitFor()
    await site.hasty.nats.kill('SIGSTOP')
    await page.getByRole('alert').getByText('The broker is away').waitFor()
    expect(await page.getByRole('link', { name: 'before' }).count()).toBe(1)
    await page.getByRole('link', { name: 'before' }).click()
    await page.getByRole('button', { name: 'Retry', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click()
    await page
      .getByRole('dialog')
      .getByText(/broker/)
      .waitFor()
    await site.hasty.nats.kill('SIGCONT')
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await makeJob(site.hasty, { type: 'add', payload: { numbers: [1] } })
  })
})
