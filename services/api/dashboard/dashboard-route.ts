import { serviceOperations } from '#shared/contracts/http/operations/service.ts'
import { AppError } from '#shared/errors/app-error.ts'
import type { AppContext } from '#shared/http/app.ts'
import { matchesEtag } from '#shared/http/etag.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { openPage } from './open-page.ts'
import type { PageFile } from './page-files.ts'

const { getDashboard, getRoot } = serviceOperations

/** Every address below is a screen, but for those of the page's files. */
const getScreen = { ...getDashboard, path: '/ui/*path' } as const
const getFile = { ...getDashboard, path: '/ui/-/{version}/*path' } as const

const ROOT_LENGTH = '/ui'.length

/** The page and its files need no token: they are the same for everybody. What the page shows does. */
export function dashboardRoutes(router: GuardedRouter): void {
  const page = openPage()

  router.serve(getRoot, (ctx) => {
    // A program that asks for nothing particular is told how to send a job, as ever.
    if (ctx.accepts('json', 'html') !== 'html') {
      throw new AppError('method-not-allowed', 'The Allow header lists the methods of this address.', {
        headers: { Allow: 'POST' },
      })
    }
    ctx.redirect('/ui')
  })

  router.serve(getFile, async (ctx) => {
    const { version, files } = await page()
    const { version: asked = '', path = '' } = ctx['params'] as { version?: string; path?: string }
    const file = files.get(path)
    if (file === undefined) return
    // While versions are replaced, a page of one may ask a replica of the other: that answer must not be kept.
    send(ctx, file, asked === version ? 'public, max-age=31536000, immutable' : 'no-store')
  })

  for (const operation of [getDashboard, getScreen]) {
    router.serve(operation, async (ctx) => {
      const { policy, shells } = await page()
      const path = ctx.path.slice(ROOT_LENGTH).replace(/\/$/, '')
      const shell = shells.find(({ pattern }) => pattern.test(path))
      ctx.set('Content-Security-Policy', policy)
      ctx.set('Referrer-Policy', 'no-referrer')
      ctx.set('Cross-Origin-Opener-Policy', 'same-origin')
      if (shell !== undefined) send(ctx, shell.file, 'no-cache')
    })
  }
}

function send(ctx: AppContext, { type, plain, gzipped, hash }: PageFile, cacheControl: string): void {
  const isZipped = ctx.acceptsEncodings('gzip', 'identity') === 'gzip'
  const etag = `"${hash}${isZipped ? '-gz' : ''}"`
  ctx.set({ 'Cache-Control': cacheControl, ETag: etag, Vary: 'Accept-Encoding' })
  ctx.type = type
  if (matchesEtag(ctx.get('if-none-match'), etag)) {
    ctx.status = 304
    ctx.body = null
    return
  }
  if (isZipped) ctx.set('Content-Encoding', 'gzip')
  const { buffer, byteOffset, byteLength } = isZipped ? gzipped : plain
  // Koa would take the Uint8Array that came from the thread for an object.
  ctx.body = Buffer.from(buffer, byteOffset, byteLength)
}
