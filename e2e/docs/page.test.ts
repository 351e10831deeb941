// The page /docs in a real browser: what it shows, that it can be searched, and that it makes the calls that it describes.
import { describe, expect, test } from 'vitest'
import { axeViolations, browserPath } from '../support/browser.ts'
import { startInProcess } from '../support/hasty.ts'
import { startSite } from '../support/site.ts'

describe.skipIf(browserPath instanceof Error)('/docs in a browser', () => {
  const site = startSite(startInProcess)

  const open = async (options: { theme?: 'light' | 'dark'; width?: number } = {}) => {
    const watched = await site.open(options)
    await watched.page.goto(`${site.hasty.url}/docs`)
    await watched.page.waitForSelector('section')
    return watched
  }

  test.each([
    { theme: 'light', width: 1280 },
    { theme: 'dark', width: 1280 },
    { theme: 'light', width: 390 },
  ] as const)('is clean: $theme, $width px', async (view) => {
    await using watched = await open(view)
    const { page, faults } = watched
    await page.locator('#createJob .try summary').click()
    // The other sections are made by the same code, and axe takes twenty seconds for all of them.
    await page.locator('#find').fill('create a job')
    await page.locator('#getJob').waitFor({ state: 'hidden' })
    expect(await axeViolations(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    expect(faults).toEqual([])
  })

  test('shows words between backticks as code', async () => {
    await using watched = await open()
    expect(await watched.page.locator('main').innerText()).not.toContain('`')
    const prefer = watched.page.locator('#createJob .member', { hasText: 'Prefer' })
    expect(await prefer.locator('.text code').innerText()).toBe('wait=5')
  })

  test('a search hides what it does not find, and comes by a key', async () => {
    await using watched = await open()
    const { page } = watched
    await page.keyboard.press('/')
    await page.keyboard.type('/v1/types/{type}/pause')
    await page.locator('#createJob').waitFor({ state: 'hidden' })
    expect(await page.locator('section:visible').count()).toBe(1)
    expect(await page.locator('nav li:visible').count()).toBe(1)
    await page.locator('#find').fill('no such words')
    await page.locator('#nothing').waitFor({ state: 'visible' })
  })

  test('makes the call, and says it as a command', async () => {
    await using watched = await open()
    const { page } = watched
    const tried = page.locator('#createJob .try')
    await tried.locator('summary').first().click()
    expect(await tried.locator('form pre').innerText()).toContain(`curl -i -X POST '${site.hasty.url}/v1/jobs'`)
    await tried.locator('textarea').fill('{"object_id": "<b>it\'s</b>", "type": "sleep", "payload": {"ms": 1}}')
    await tried.locator('button').click()
    await tried.locator('.answer .ok').waitFor()
    expect(await tried.locator('.answer').innerText()).toContain(`"object_id": "<b>it's</b>"`)
    expect(await page.locator('main b').count()).toBe(0)
  })
})
