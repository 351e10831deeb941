/** A job or a problem as it arrived: tests check its content. */
export interface ApiAnswer {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

export async function postTo(url: string, body: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as ApiAnswer['body'] }
}

/** `body` is empty where the answer has none. */
export async function getFrom(url: string, headers: Record<string, string> = {}): Promise<ApiAnswer> {
  const response = await fetch(url, { headers })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as ApiAnswer['body'],
  }
}

/** The number of answers with each status. */
export function countStatuses(answers: ApiAnswer[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** Sends any method; `body` is sent as JSON where there is one. */
export async function send(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ApiAnswer> {
  const sent =
    body === undefined
      ? { headers }
      : { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
  const response = await fetch(url, { method, ...sent })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as ApiAnswer['body'],
  }
}
