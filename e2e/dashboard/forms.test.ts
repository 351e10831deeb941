// A form never loses what was typed, and sends nothing that it knows to be wrong.
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { browserPath } from '../support/browser.ts'
import { postTo, send } from '../support/call.ts'
import { readJob } from '../support/jobs.ts'
import { startSite } from '../support/site.ts'
import { startForDashboard, untilRequest } from './fill.ts'

describe.skipIf(browserPath instanceof Error)('in a browser', () => {
  const site = startSite(startForDashboard)

  async function openAt(address: string) {
    const watched = await site.open()
    const sent: string[] = []
    watched.page.on('request', (request) => {
      if (request.method() !== 'GET') sent.push(`${request.method()} ${new URL(request.url()).pathname}`)
    })
    await watched.page.goto(`${site.hasty.url}/ui${address}`)
    return { ...watched, sent, [Symbol.asyncDispose]: () => watched.context.close() }
  }

  /** A field by its name in the form. */
  const field = (page: Page, name: string) => page.locator(`form [name="${name}"]`)
  const click = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

  /** The text that each of these fields has now. */
  const valuesOf = (page: Page, names: string[]) => Promise.all(names.map((name) => field(page, name).inputValue()))

  test('a payload that is not JSON is told beside its field, and nothing is sent or lost', async () => {
    await using opened = await openAt('/send?type=add')
    const { page, sent } = opened
    const names = ['tags', 'object', 'attempts', 'priority']
    const typed = ['nightly customer:42', 'order 7', '2', 'low']
    const numbers = page.getByLabel('numbers')
    await field(page, 'tags').fill('nightly customer:42')
    await field(page, 'object').fill('order 7')
    await field(page, 'attempts').fill('2')
    await field(page, 'priority').selectOption('low')
    expect(await numbers.getAttribute('placeholder')).toBe('[1, 2, 3]')
    await numbers.fill('1, 2, 3')
    await click(page, 'Send the job')
    await page.getByText('This is not JSON. Write it like [1, 2, 3]').waitFor()
    expect(await valuesOf(page, names)).toEqual(typed)
    expect(await numbers.inputValue()).toBe('1, 2, 3')
    expect(sent).toEqual([])
    await numbers.fill('["one"]')
    await click(page, 'Send the job')
    await page.getByRole('alert').filter({ hasText: 'numbers' }).waitFor()
    expect(await valuesOf(page, names)).toEqual(typed)
    expect(await numbers.inputValue()).toBe('["one"]')
    await numbers.fill('[1, 2]')
    await click(page, 'Send the job')
    await page.getByText('The job is stored.').waitFor()
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? ''
    const tags = ['nightly', 'customer:42']
    expect(await readJob(site.hasty, id)).toMatchObject({ object_id: 'order 7', tags, payload: { numbers: [1, 2] } })
  })

  test('a time is typed as a clock here shows it, and asked for as everybody understands it', async () => {
    await using opened = await openAt('/jobs')
    const { page } = opened
    await click(page, 'Filter')
    await field(page, 'created_after').fill('2026-11-30T12:00:05')
    await click(page, 'Show these jobs')
    await page.waitForURL(/created_after/)
    const asked = new URL(page.url()).searchParams.get('created_after')
    const local = await page.evaluate<string>(`new Date('2026-11-30T12:00:05').toISOString()`)
    expect(asked).toBe(local)
    await click(page, 'Filter')
    expect(await valuesOf(page, ['created_after', 'created_before'])).toEqual(['2026-11-30T12:00:05', ''])
  })

  test('a signal that is refused keeps its name and extras', async () => {
    const made = await postTo(`${site.hasty.url}/v1/requests`, {
      name: 'waits',
      steps: [{ name: 'wait', signal: 'go' }],
    })
    const id = String(made.body['request_id'])
    await untilRequest(site.hasty, id, { step: 'wait' })
    await using opened = await openAt(`/requests/${id}`)
    const { page, sent } = opened
    await click(page, 'Signal')
    await field(page, 'name').fill('not a name!')
    await field(page, 'extras').fill('by Ann')
    await click(page, 'Send the signal')
    await page.getByText('This is not JSON. Write it like {"approved_by": "Ann"}').waitFor()
    await field(page, 'extras').fill('[1]')
    await page.getByText('This is JSON, but not an object. Write it like {"approved_by": "Ann"}').waitFor()
    await click(page, 'Send the signal')
    expect(sent).toEqual([])
    await field(page, 'extras').fill('{"by": "Ann"}')
    await click(page, 'Send the signal')
    await page.getByRole('dialog').locator('.note.bad').waitFor()
    expect(await valuesOf(page, ['name', 'extras'])).toEqual(['not a name!', '{"by": "Ann"}'])
  })

  test('a schedule that is refused keeps all of its fields', async () => {
    await using opened = await openAt('/schedules')
    const { page, sent } = opened
    await page.getByRole('button', { name: 'New schedule' }).first().click()
    const typed = { name: 'monthly', cron: 'never ever', timezone: 'Europe/Berlin', type: 'add', object: 'sums' }
    for (const [name, value] of Object.entries(typed)) await field(page, name).fill(value)
    await field(page, 'payload').fill('numbers')
    await field(page, 'missed').selectOption('skip')
    await click(page, 'Create')
    await page.getByText('This is not JSON. Write it like {"width": 200}').waitFor()
    expect(sent).toEqual([])
    await field(page, 'payload').fill('{"numbers": [1]}')
    await click(page, 'Create')
    await page.getByRole('dialog').locator('.note.bad').waitFor()
    expect(await valuesOf(page, Object.keys(typed))).toEqual(Object.values(typed))
    expect(await field(page, 'payload').inputValue()).toBe('{"numbers": [1]}')
    expect(await field(page, 'missed').inputValue()).toBe('skip')
  })

  test('a request whose params are not JSON is not made', async () => {
    await send('PUT', `${site.hasty.url}/v1/definitions/order`, { steps: [{ name: 'wait', signal: 'go' }] })
    await using opened = await openAt('/definitions/order')
    const { page, sent } = opened
    await click(page, 'Start one')
    await field(page, 'name').fill('by hand')
    await field(page, 'params').fill('order 7')
    await click(page, 'Start it')
    await page.getByText('This is not JSON. Write it like {"order": 7}').waitFor()
    expect(sent).toEqual([])
    expect(await valuesOf(page, ['name', 'params'])).toEqual(['by hand', 'order 7'])
  })

  test('a limit that is refused stays', async () => {
    await using opened = await openAt('/types/add')
    const { page } = opened
    await click(page, 'Limit')
    await field(page, 'limit').fill('7')
    await page.route('**/v1/types/**', (route) =>
      route.request().method() === 'GET' ? route.continue() : route.abort(),
    )
    await click(page, 'Set the limit')
    await page.getByRole('dialog').locator('.note.bad').waitFor()
    expect(await field(page, 'limit').inputValue()).toBe('7')
  })

  test('a search with a filter that there is not says which was meant, and stays', async () => {
    await using opened = await openAt('/jobs')
    const { page } = opened
    const search = page.getByRole('searchbox', { name: 'Search jobs' })
    await search.fill('typ:boom hello')
    await search.press('Enter')
    await page.getByText('“typ” is no filter. Did you mean type:boom?').waitFor()
    expect(await search.inputValue()).toBe('typ:boom hello')
    expect(new URL(page.url()).search).toBe('')
  })
})
