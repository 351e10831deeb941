// Every screen in both themes, on a desk and on a phone: nothing on the console, nothing that the policy had to stop,
// no request elsewhere, nothing that axe finds, nothing wider than the window, and small enough.
import { beforeAll, describe, expect, test } from 'vitest'
import { axeViolations, browserPath } from '../support/browser.ts'
import { readJob } from '../support/jobs.ts'
import { startSite } from '../support/site.ts'
import { type Filled, fill, startForDashboard } from './fill.ts'

/** Bytes that opening a screen may bring over the wire, with all code and styles. */
const BUDGET_BYTES = 120 * 1024

describe.skipIf(browserPath instanceof Error)('in a browser', () => {
  const site = startSite(startForDashboard)
  let filled: Filled
  beforeAll(async () => {
    filled = await fill(site.hasty)
  })

  /** Screens, and a text that each shows once its facts are there. */
  const screens: [address: string | ((filled: Filled) => string), shows: string][] = [
    ['', 'Time in the queue'],
    ['/?range=7d', 'Time to run'],
    ['/jobs', 'order-7'],
    ['/jobs?status=failed&type=mixed', 'order-7'],
    ['/jobs?tag=nothing', 'No job matches'],
    [({ failed }) => `/jobs/${failed}`, 'another attempt cannot help'],
    [({ tried }) => `/jobs/${tried}`, 'It finished'],
    [({ running }) => `/jobs/${running}`, 'Progress'],
    [({ hostile }) => `/jobs/${hostile}`, 'more'],
    ['/jobs/1m8m02vc6aumtiAGEn6a9s79o', 'There is no such thing here'],
    ['/failed', 'see one'],
    ['/tenants', 'No job has a tenant'],
    ['/settings', 'Settings of this api'],
    ['/types', 'telling'],
    ['/types/mixed', 'Rules'],
    ['/workers', 'live'],
    ['/schedules', 'nightly'],
    ['/schedules/calendar', 'Week after'],
    ['/schedules/nightly', 'Next ticks'],
    ['/requests', 'order 7'],
    [({ waiting }) => `/requests/${waiting}`, 'waits for the signal'],
    [({ request }) => `/requests/${request}`, 'Undone'],
    ['/definitions', 'order'],
    ['/definitions/order', 'approved'],
    ['/messages', 'No message is dead'],
    ['/send?type=add', 'numbers'],
    ['/nowhere', 'There is no such screen'],
  ]
  const views = [1280, 390].flatMap((width) => (['light', 'dark'] as const).map((theme) => ({ theme, width })))

  test.each(screens.map(([address, shows], n) => ({ n, name: typeof address === 'string' ? address : shows })))(
    'the screen $n ($name) is clean',
    async ({ n }) => {
      const [address, shows] = screens[n] ?? ['', '']
      const path = typeof address === 'string' ? address : address(filled)
      await using watched = await site.open()
      const { page, faults, bytes } = watched
      await page.goto(`${site.hasty.url}/ui${path}`)
      await page.locator('main').getByText(shows).first().waitFor()
      const found: string[] = bytes() > BUDGET_BYTES ? [`${bytes()} bytes`] : []
      for (const { theme, width } of views) {
        await page.emulateMedia({ colorScheme: theme })
        await page.setViewportSize({ width, height: 860 })
        const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
        if (overflow > 0) found.push(`${overflow} px wider than the window of ${width}`)
        found.push(
          ...(await axeViolations(page, theme === 'dark' ? 'colours' : 'all')).map(
            (each) => `${theme} ${width}: ${each}`,
          ),
        )
      }
      // One path names a job that does not exist: the browser writes its 404 on the console.
      expect([...found, ...faults.filter((fault) => !(fault.includes('404') && path.endsWith('79o')))]).toEqual([])
    },
  )

  /** A screen, the button that opens something over it, and a text that is then shown. */
  const openings: [address: string | ((filled: Filled) => string), button: string, shows: string][] = [
    ['/jobs', 'Filter', 'Show these jobs'],
    ['/jobs', 'Saved', 'Keep this filter …'],
    ['/jobs?status=failed', 'Retry all that match', 'Nothing was changed yet.'],
    [({ failed }) => `/jobs/${failed}`, 'Retry', 'It begins a new round'],
    [({ failed }) => `/jobs/${failed}`, 'More', 'Send again, edited'],
    ['/schedules', 'New schedule', 'Missed ticks'],
    ['/types', 'Register a type', 'Its jobs are claimed by workers over HTTP'],
    [({ waiting }) => `/requests/${waiting}`, 'Signal', 'merged into the extras'],
    ['/settings', 'Show the keys', 'Next and previous row'],
  ]

  test.each(openings.map(([, button, shows], n) => ({ n, button, shows })))(
    '$button opens and is clean: $shows',
    async ({ n }) => {
      const [address, button, shows] = openings[n] ?? ['', '', '']
      await using watched = await site.open({ width: n % 2 === 0 ? 1280 : 390 })
      const { page, faults } = watched
      await page.goto(`${site.hasty.url}/ui${typeof address === 'string' ? address : address(filled)}`)
      await page.locator('main').getByRole('button', { name: button, exact: true }).first().click()
      await page.getByText(shows).first().waitFor()
      const found = await axeViolations(page)
      await page.emulateMedia({ colorScheme: 'dark' })
      expect([...found, ...(await axeViolations(page, 'colours')), ...faults]).toEqual([])
      await page.keyboard.press('Escape')
      await page.getByText(shows).first().waitFor({ state: 'hidden' })
    },
  )

  test('the attempts of a worker stay within their card, however long their errors are', async () => {
    const { attempts } = await readJob(site.hasty, filled.failed)
    await using watched = await site.open()
    const { page } = watched
    await page.goto(`${site.hasty.url}/ui/workers/${encodeURIComponent(attempts[0]?.worker_id ?? '')}`)
    const error = page.getByRole('row').filter({ hasText: 'failed' }).locator('.second.clip').first()
    await error.waitFor()
    expect(await error.getAttribute('title')).not.toBe('')
    const beyond = await page.evaluate<number>(`(() => {
      const line = document.querySelector('td .second.clip')
      line.append(' and so on'.repeat(100))
      return line.closest('table').offsetWidth - line.closest('.card').clientWidth
    })()`)
    expect(beyond).toBeLessThanOrEqual(0)
  })

  test('the screens of a phone are in a list that slides in, and goes when one is chosen', async () => {
    await using watched = await site.open({ width: 390 })
    const { page, faults } = watched
    await page.goto(`${site.hasty.url}/ui/jobs`)
    await page.getByRole('button', { name: 'Screens' }).click()
    const list = page.getByRole('navigation', { name: 'Screens' })
    await list.getByRole('link', { name: 'Workers' }).waitFor()
    expect(await axeViolations(page)).toEqual([])
    await list.getByRole('link', { name: 'Workers' }).click()
    await page.getByRole('heading', { level: 1, name: 'Workers' }).waitFor()
    await list.waitFor({ state: 'hidden' })
    expect(faults).toEqual([])
  })
})
