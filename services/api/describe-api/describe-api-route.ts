import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { serviceOperations } from '#shared/contracts/http/operations/service.ts'
import { explainProblem, PROBLEMS, type ProblemCode } from '#shared/contracts/http/problems.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { VERSION } from '#shared/process/version.ts'
import { describeApi } from './describe-api.ts'

const { getDescription, getDescription31, getDocs, listProblems, explainProblem: getProblem } = serviceOperations

/** The page and its parts. */
const PAGES = [
  { operation: getDocs, file: 'docs.html', type: 'text/html; charset=utf-8' },
  { operation: { ...getDocs, path: '/docs/docs.js' }, file: 'docs.js', type: 'text/javascript; charset=utf-8' },
  { operation: { ...getDocs, path: '/docs/docs.css' }, file: 'docs.css', type: 'text/css; charset=utf-8' },
]

/** Content policy: the page loads nothing from other servers. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"

export function describeApiRoutes(router: GuardedRouter): void {
  for (const [operation, openapi] of [
    [getDescription, '3.2.0'],
    [getDescription31, '3.1.1'],
  ] as const) {
    const text = JSON.stringify(describeApi(openapi, VERSION))
    router.serve(operation, (ctx) => {
      ctx.set('Cache-Control', 'no-cache')
      ctx.type = 'application/json'
      ctx.body = text
    })
  }
  for (const { operation, file, type } of PAGES) {
    const text = readFileSync(join(import.meta.dirname, 'page', file), 'utf8')
    router.serve(operation, (ctx) => {
      ctx.set('Cache-Control', 'no-cache')
      ctx.set('Content-Security-Policy', PAGE_POLICY)
      ctx.type = type
      ctx.body = text
    })
  }
  router.serve(listProblems, (ctx) => {
    ctx.body = { items: (Object.keys(PROBLEMS) as ProblemCode[]).map(explainProblem) }
  })
  router.serve(getProblem, (ctx, { params: { code } }) => {
    // Otherwise there is no answer: a 404 like any other.
    if (Object.hasOwn(PROBLEMS, code)) ctx.body = explainProblem(code as ProblemCode)
  })
}
