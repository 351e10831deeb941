import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type Router from '@koa/router'
import { explainProblem, PROBLEMS, type ProblemCode } from '#shared/contracts/http/problems.ts'
import { VERSION } from '#shared/process/version.ts'
import { describeApi } from './describe-api.ts'

const PAGES = [
  { path: '/docs', file: 'docs.html', type: 'text/html; charset=utf-8' },
  { path: '/docs/docs.js', file: 'docs.js', type: 'text/javascript; charset=utf-8' },
  { path: '/docs/docs.css', file: 'docs.css', type: 'text/css; charset=utf-8' },
]

/** Nothing of the page comes from anywhere but here. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"

/** `/openapi.json`, `/openapi-3.1.json`, `/docs` and `/problems/:code`. */
export function describeApiRoutes(router: Router): void {
  for (const [path, openapi] of [
    ['/openapi.json', '3.2.0'],
    ['/openapi-3.1.json', '3.1.1'],
  ] as const) {
    const text = JSON.stringify(describeApi(openapi, VERSION))
    router.get(path, (ctx) => {
      ctx.set('Cache-Control', 'no-cache')
      ctx.type = 'application/json'
      ctx.body = text
    })
  }
  for (const { path, file, type } of PAGES) {
    const text = readFileSync(join(import.meta.dirname, 'page', file), 'utf8')
    router.get(path, (ctx) => {
      ctx.set('Cache-Control', 'no-cache')
      ctx.set('Content-Security-Policy', PAGE_POLICY)
      ctx.type = type
      ctx.body = text
    })
  }
  router.get('/problems', (ctx) => {
    ctx.body = { items: (Object.keys(PROBLEMS) as ProblemCode[]).map(explainProblem) }
  })
  router.get('/problems/:code', (ctx) => {
    const { code = '' } = ctx.params
    // Else it stays unanswered: a 404 like any other.
    if (Object.hasOwn(PROBLEMS, code)) ctx.body = explainProblem(code as ProblemCode)
  })
}
