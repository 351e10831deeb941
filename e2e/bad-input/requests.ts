/** A request as bytes: the first line, its headers, its body. Host is always there unless `bare` is used. */
export const request = (line: string, headers: string[] = [], body: string | Buffer = ''): Buffer =>
  bare(`${line} HTTP/1.1`, ['Host: hasty.test', ...headers], body)

export const bare = (line: string, headers: string[] = [], body: string | Buffer = ''): Buffer =>
  Buffer.concat([Buffer.from(`${[line, ...headers].join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)])

export const JSON_TYPE = 'Content-Type: application/json'

/** `POST /` with this body, said to be JSON. */
export const post = (body: string | Buffer, ...headers: string[]): Buffer => postAs(body, JSON_TYPE, ...headers)

/** `POST /` with this body and these headers alone. */
export const postAs = (body: string | Buffer, ...headers: string[]): Buffer =>
  request('POST /', [...headers, `Content-Length: ${Buffer.byteLength(body)}`], body)

/** `POST /` in chunks; the last one is not checked. */
export const postChunks = (...chunks: string[]): Buffer =>
  request(
    'POST /',
    [JSON_TYPE, 'Transfer-Encoding: chunked'],
    [...chunks, ''].map((chunk) => `${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`).join(''),
  )

export const get = (path: string, ...headers: string[]): Buffer => request(`GET ${path}`, headers)

/** The text of a body with this object_id and whatever else is given as JSON text. */
export const job = (objectId: string, more = ''): string => `{"object_id":${JSON.stringify(objectId)}${more}}`

/** Arrays in arrays, as JSON text. */
export const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
