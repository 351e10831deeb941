// The keyboard alone is enough for what people come here to do.
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { browserPath } from '../support/browser.ts'
import { getFrom } from '../support/call.ts'
import { makeJob, readJob, untilJob } from '../support/jobs.ts'
import { startSite } from '../support/site.ts'
import { type Filled, fill, startForDashboard, untilRequest } from './fill.ts'

describe.skipIf(browserPath instanceof Error)('by keyboard alone', () => {
  const site = startSite(startForDashboard)
  let filled: Filled
  beforeAll(async () => {
    filled = await fill(site.hasty)
  })

  /** Opens a screen, and waits until its heading has this text. */
  async function open(page: Page, address: string, heading: string): Promise<void> {
    await page.goto(`${site.hasty.url}/ui${address}`)
    await at(page, heading)
  }
  const at = (page: Page, heading: string) => page.getByRole('heading', { level: 1, name: heading }).waitFor()

  /** Goes on with Tab until what has the focus has this name. */
  async function tabTo(page: Page, name: string): Promise<void> {
    const nameOf = `document.activeElement?.ariaLabel ?? document.activeElement?.innerText?.trim() ?? ''`
    for (let presses = 0; presses < 80; presses++) {
      if ((await page.evaluate<string>(nameOf)).startsWith(name)) return
      await page.keyboard.press('Tab')
    }
    expect.fail(`Tab never led to ${name}`)
  }

  async function press(page: Page, name: string): Promise<void> {
    await tabTo(page, name)
    await page.keyboard.press('Enter')
  }

  test('one finds a failed job and sees why', async () => {
    await using watched = await site.open()
    const { page, faults } = watched
    await open(page, '', 'Overview')
    await page.keyboard.type('gj')
    await at(page, 'Jobs')
    await page.keyboard.type('/')
    await page.keyboard.type('status:failed tag:customer:42')
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'order-7' }).waitFor()
    expect(new URL(page.url()).search).toBe('?status=failed&tag=customer%3A42')
    await page.evaluate('document.activeElement.blur()')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await at(page, 'order-7')
    expect(new URL(page.url()).pathname).toBe(`/ui/jobs/${filled.failed}`)
    await page.getByText('because its handler said that another attempt cannot help').waitFor()
    await page.goBack()
    await page.getByRole('link', { name: 'order-7' }).waitFor()
    await page.getByText(/^1 of \d+ jobs match$/).waitFor()
    await page.keyboard.type('/payload/how=fail attempts:1')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Without payload/how fail' }).waitFor()
    await page.getByRole('link', { name: 'order-7' }).waitFor()
    expect(faults).toEqual([])
  })

  test('one starts all failed jobs of a type again, after a dry run', async () => {
    const ids = await Promise.all(
      [1, 2, 3].map(() => makeJob(site.hasty, { type: 'moody', payload: { bad_attempts: 1 }, tags: ['again'] })),
    )
    for (const id of ids) await untilJob(site.hasty, id, { status: 'failed' })
    await using watched = await site.open()
    const { page } = watched
    await open(page, '/jobs?status=failed&tag=again', 'Jobs')
    await page.getByRole('button', { name: 'Retry all that match' }).waitFor()
    await press(page, 'Retry all that match')
    await page.getByText('3 jobs match.').waitFor()
    expect((await readJob(site.hasty, ids[0] ?? '')).status).toBe('failed')
    await press(page, 'Retry 3 jobs')
    await page.getByText('3 jobs started again.').waitFor()
    for (const id of ids) await untilJob(site.hasty, id, { status: 'finished', round: 2 })
  })

  test('one pauses a type, and its badge says so', async () => {
    await using watched = await site.open()
    const { page } = watched
    await open(page, '/types/multiply', 'multiply')
    await page.getByRole('button', { name: 'Pause' }).waitFor()
    await page.keyboard.type('.')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Pause multiply' }).waitFor()
    await press(page, 'Pause')
    await page.getByText('multiply is paused.').waitFor()
    await page.getByRole('button', { name: 'Resume' }).waitFor()
    expect((await getFrom(`${site.hasty.url}/v1/types/multiply`)).body).toMatchObject({ paused: true })
  })

  test('one sends a signal, and the next step runs', async () => {
    await using watched = await site.open()
    const { page } = watched
    await open(page, `/requests/${filled.waiting}`, 'order 7')
    await page.getByText('waits for the signal').first().waitFor()
    await page.keyboard.type('.')
    await page.keyboard.press('Enter')
    // The name of the signal stands there already: the plan says it.
    await page.getByRole('textbox', { name: 'Name' }).waitFor()
    await press(page, 'Send the signal')
    await page.getByText('The signal approved is sent.').waitFor()
    await untilRequest(site.hasty, filled.waiting, { status: 'completed' })
    await page.getByRole('heading', { level: 1 }).locator('..').getByText('completed').waitFor()
  })

  test('one cancels a request with a reason', async () => {
    const steps = [{ name: 'wait', signal: 'never' }]
    const body = JSON.stringify({ name: 'to cancel', steps })
    const made = await fetch(`${site.hasty.url}/v1/requests`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const { request_id: id } = (await made.json()) as { request_id: string }
    await using watched = await site.open()
    const { page } = watched
    await open(page, `/requests/${id}`, 'to cancel')
    await press(page, 'Cancel')
    await page.getByRole('textbox', { name: 'Reason' }).waitFor()
    await press(page, 'Cancel the request')
    await page.getByText('The request is cancelled.').waitFor()
    await untilRequest(site.hasty, id, { status: 'cancelled' })
  })

  test('a list stands still while jobs come in, and says how many', async () => {
    await using watched = await site.open()
    const { page } = watched
    await makeJob(site.hasty, { type: 'add', payload: { numbers: [1] }, tags: ['still'], object_id: 'first of them' })
    await open(page, '/jobs?tag=still', 'Jobs')
    await page.getByRole('link', { name: 'first of them' }).waitFor()
    await makeJob(site.hasty, { type: 'add', payload: { numbers: [1] }, tags: ['still'], object_id: 'second of them' })
    await page.getByRole('button', { name: '1 new job since: show' }).waitFor()
    expect(await page.getByRole('link', { name: 'second of them' }).count()).toBe(0)
    await press(page, '1 new job since')
    await page.getByRole('link', { name: 'second of them' }).waitFor()
  })

  test('a job that was sent again by the form is the same but for its id', async () => {
    await using watched = await site.open()
    const { page } = watched
    await open(page, `/jobs/${filled.tried}`, (await readJob(site.hasty, filled.tried)).object_id)
    await press(page, 'More')
    await press(page, 'Send again, edited')
    await at(page, 'Send a job')
    await press(page, 'Send the job')
    await page.getByText('The job is stored.').waitFor()
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? ''
    expect(id).not.toBe(filled.tried)
    expect(await readJob(site.hasty, id)).toMatchObject({ type: 'mixed', payload: { how: 'retry' } })
  })
})
