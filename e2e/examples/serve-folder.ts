import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' }

export type FolderServer = AsyncDisposable & {
  readonly url: string
  /** Bodies of the POSTs that came. */
  readonly reports: string[]
}

/** What any web server for files does; `toPage` may change a page on its way. POSTs are kept. */
export async function serveFolder(dir: string, toPage = (html: string) => html): Promise<FolderServer> {
  const reports: string[] = []
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      reports.push(text)
      response.writeHead(204).end()
      return
    }
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname)
    const type = types[extname(path)]
    const content = type === undefined ? null : await readFile(join(dir, path), 'utf8').catch(() => null)
    if (content === null || type === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': type }).end(type === 'text/html' ? toPage(content) : content)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reports,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
