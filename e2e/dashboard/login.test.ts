// Tokens are required here: somebody logs in, may do what the token allows, and sees the jobs of one tenant alone.
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bearer, SECRET, tokenOf } from '../auth/tokens.ts'
import { runCli } from '../cli/run-cli.ts'
import { browserPath } from '../support/browser.ts'
import { postTo } from '../support/call.ts'
import { startSite } from '../support/site.ts'
import { startForDashboard } from './fill.ts'

const CLIENTS = join(tmpdir(), `hasty-dashboard-${process.pid}.json`)

describe.skipIf(browserPath instanceof Error)('where a token is needed', () => {
  let secret: string
  // Hooks after the tests run in the opposite order: whoever reads the file has ended by then.
  afterAll(() => writeFile(CLIENTS, ''))
  const site = startSite(async () => {
    const { stdout } = await runCli('', ['admin', 'add-client', 'desk', '--file', CLIENTS, '--scope', 'jobs:read'])
    secret = /hsec_[\w-]+/.exec(stdout)?.[0] ?? ''
    return startForDashboard({ env: { AUTH: 'required', JWT_SECRET: SECRET }, apiEnv: { CLIENTS_FILE: CLIENTS } })
  })
  beforeAll(async () => {
    for (const tenant of ['acme', 'umbrella']) {
      const token = await tokenOf('caller', { claims: { tenant } })
      const job = { object_id: `of ${tenant}`, type: 'add', payload: { numbers: [1e308, 1e308] } }
      expect(await postTo(`${site.hasty.url}/v1/jobs`, job, bearer(token))).toMatchObject({ status: 201 })
    }
  })

  const opened = async (address = '/jobs') => {
    const watched = await site.open()
    await watched.page.goto(`${site.hasty.url}/ui${address}`)
    return watched
  }
  async function logIn(page: Page, token: string): Promise<void> {
    await page.getByRole('textbox', { name: 'Token' }).waitFor()
    await page.keyboard.type(token)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
  }

  test('a token that only reads shows the jobs, and says beside each action why it cannot be used', async () => {
    await using watched = await opened()
    const { page } = watched
    await logIn(page, await tokenOf('reader', { claims: { scope: 'jobs:read' } }))
    await page.getByRole('link', { name: 'of acme' }).click()
    const retry = page.getByRole('button', { name: /^Retry/ })
    await retry.waitFor()
    expect(await retry.getAttribute('aria-disabled')).toBe('true')
    expect(await retry.getAttribute('title')).toBe('This needs a token with the scope jobs:write.')
    await retry.click({ force: true })
    expect(await page.getByRole('dialog').count()).toBe(0)
    await page.goto(`${site.hasty.url}/ui/workers`)
    await page.getByText('Your token does not reach this').waitFor()
    await page.reload()
    await page.getByText('Your token does not reach this').waitFor()
    expect(await watched.context.cookies()).toEqual([])
  })

  test('a token that is not valid is refused with the reason, and logging out forgets the token', async () => {
    await using watched = await opened()
    const { page } = watched
    await logIn(page, 'not.a.token')
    await page.getByRole('alert').waitFor()
    await page.getByRole('textbox', { name: 'Token' }).fill(await tokenOf('reader'))
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('link', { name: 'of umbrella' }).waitFor()
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('textbox', { name: 'Token' }).waitFor()
    expect(await page.evaluate<string | null>('sessionStorage.getItem("hasty.token")')).toBeNull()
  })

  test('a client logs in with its id and secret, and the secret is kept nowhere', async () => {
    await using watched = await opened()
    const { page } = watched
    await page.getByRole('button', { name: /secret/ }).click()
    await page.getByLabel('Client id').fill('desk')
    await page.getByLabel('Client secret').fill(secret)
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'of acme' }).waitFor()
    const kept = await page.evaluate<string>(
      'JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])',
    )
    expect(kept).not.toContain(secret)
  })

  test('the token of a link is taken, and gone from the address', async () => {
    await using watched = await opened(`/jobs#token=${await tokenOf('linked')}`)
    const { page } = watched
    await page.getByRole('link', { name: 'of acme' }).waitFor()
    expect(page.url()).toBe(`${site.hasty.url}/ui/jobs`)
  })

  test('a tenant sees its own jobs alone, also in the counts', async () => {
    await using watched = await opened(`/jobs#token=${await tokenOf('a', { claims: { tenant: 'acme' } })}`)
    const { page } = watched
    await page.getByRole('link', { name: 'of acme' }).waitFor()
    await page.getByText('1 job in the store').waitFor()
    expect(await page.getByText('of umbrella').count()).toBe(0)
  })
})
