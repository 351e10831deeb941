import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { serviceOperations } from '#shared/contracts/http/operations/service.ts'
import { explainProblem, PROBLEMS, type ProblemCode } from '#shared/contracts/http/problems.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { VERSION } from '#shared/process/version.ts'
import { describeApi } from './describe-api.ts'

const { getDescription, getDescription31, getDocs, listProblems, explainProblem: getProblem } = serviceOperations

const SCRIPT = 'text/javascript; charset=utf-8'
/** The page and its parts. */
const PAGES = [
  { operation: getDocs, file: 'docs.html', type: 'text/html; charset=utf-8' },
  ...['docs.js', 'element.js', 'schema.js', 'try-it.js'].map((file) => partOf(file, SCRIPT)),
  partOf('docs.css', 'text/css; charset=utf-8'),
]

function partOf(file: string, type: string) {
  return { operation: { ...getDocs, path: `/docs/${file}` }, file, type }
}

/** Content policy: the page loads nothing from other servers. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

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
