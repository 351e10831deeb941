import { element } from './element.js'
import { sampleOf } from './schema.js'

/** @typedef {{ method: string, path: string, operation: Record<string, any> }} Call */

/** Where the dashboard keeps the token of this tab. */
export const KEPT_TOKEN = 'hasty.token'
const SHOWN_MAX = 100_000

/** @param {Call} call */
const parametersOf = ({ operation }) => operation['parameters'] ?? []

/** The media type of the body; undefined where there is none. @param {Call} call @returns {string | undefined} */
const bodyTypeOf = ({ operation }) => Object.keys(operation['requestBody']?.content ?? {})[0]

/**
 * A form that makes the call, and shows it as a command.
 * @param {import('./schema.js').Api} api
 * @param {Call} call
 */
export function tryIt(api, call) {
  const inputs = new Map(
    parametersOf(call).map((/** @type {any} */ parameter) => [
      parameter,
      element('input', {
        type: 'text',
        placeholder: parameter.schema?.default === undefined ? '' : String(parameter.schema.default),
      }),
    ]),
  )
  const bodyType = bodyTypeOf(call)
  const body = element('textarea', { rows: '6', spellcheck: 'false', 'aria-label': 'Body' })
  if (bodyType === 'application/json') {
    const { schema } = call.operation['requestBody'].content[bodyType]
    body.append(JSON.stringify(sampleOf(api, schema), null, 2))
  }
  const command = element('pre', {})
  const answer = element('div', { class: 'answer', 'aria-live': 'polite' })
  const read = () => requestFrom(call, inputs, bodyType === undefined ? null : { bodyType, text: valueOf(body) })
  const show = () => command.replaceChildren(commandOf(read()))
  const form = element(
    'form',
    {},
    [...inputs].map(([{ name, in: where, required }, input]) =>
      element(
        'label',
        {},
        element('span', {}, name, ' ', element('small', {}, `${where}${required ? ', required' : ''}`)),
        input,
      ),
    ),
    bodyType === undefined
      ? ''
      : element('label', {}, element('span', {}, 'body ', element('small', {}, bodyType)), body),
    element('div', { class: 'send' }, element('button', { type: 'submit' }, 'Send'), command),
  )
  form.addEventListener('input', show)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void send(read(), answer)
  })
  show()
  return element('details', { class: 'try' }, element('summary', {}, 'Try it'), form, answer)
}

/** @param {HTMLElement} input */
const valueOf = (input) => /** @type {HTMLInputElement | HTMLTextAreaElement} */ (input).value

/**
 * @param {Call} call
 * @param {Map<any, HTMLElement>} inputs
 * @param {{ bodyType: string, text: string } | null} body
 */
function requestFrom({ method, path, operation }, inputs, body) {
  const query = new URLSearchParams()
  const headers = new Headers(body === null ? {} : { 'content-type': body.bodyType })
  let address = path
  for (const [{ name, in: where }, input] of inputs) {
    const value = valueOf(input)
    if (where === 'path') address = address.replace(`{${name}}`, value === '' ? `{${name}}` : encodeURIComponent(value))
    else if (value !== '' && where === 'query') query.append(name, value)
    else if (value !== '' && where === 'header') headers.set(name, value)
  }
  const token = sessionStorage.getItem(KEPT_TOKEN)
  if (token !== null && operation['security'] !== undefined) headers.set('authorization', `Bearer ${token}`)
  const asked = query.size === 0 ? '' : `?${query.toString()}`
  return {
    method: method.toUpperCase(),
    url: `${location.origin}${address}${asked}`,
    headers,
    body: body?.text ?? null,
  }
}

/** @typedef {ReturnType<typeof requestFrom>} Sent */

/** The same call for a shell; the token stays out of it. @param {Sent} sent */
function commandOf({ method, url, headers, body }) {
  const shown = [...headers].map(([name, value]) =>
    name === 'authorization' ? `${name}: Bearer $TOKEN` : `${name}: ${value}`,
  )
  const quote = (/** @type {string} */ text) =>
    text.includes('$TOKEN') ? `"${text}"` : `'${text.replaceAll("'", `'\\''`)}'`
  return [
    `curl -i${method === 'GET' ? '' : ` -X ${method}`} ${quote(url)}`,
    ...shown.map((header) => `-H ${quote(header)}`),
    ...(body === null || body === '' ? [] : [`-d ${quote(body)}`]),
  ].join(' \\\n  ')
}

/** @param {Sent} sent @param {HTMLElement} answer */
async function send({ method, url, headers, body }, answer) {
  answer.replaceChildren(element('p', { class: 'quiet' }, 'Sending …'))
  const startedMs = performance.now()
  try {
    const response = await fetch(url, { method, headers, body: body === '' ? null : body })
    const head = `${response.status} ${response.statusText}`
    const facts = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n')
    // A stream of events never ends.
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    const text = isStream ? 'A stream of events: follow it with the command above.' : await response.text()
    if (isStream) void response.body?.cancel()
    answer.replaceChildren(
      element('p', { class: response.ok ? 'ok' : 'bad' }, `${head}, ${Math.round(performance.now() - startedMs)} ms`),
      element('details', {}, element('summary', {}, 'Headers'), element('pre', {}, facts)),
      element('pre', {}, pretty(text).slice(0, SHOWN_MAX)),
    )
  } catch {
    answer.replaceChildren(element('p', { class: 'bad' }, 'There was no answer. Is the server there?'))
  }
}

/** Spread over lines without being parsed, so that long numbers stay as they came. @param {string} text */
function pretty(text) {
  try {
    JSON.parse(text)
  } catch {
    return text
  }
  let depth = 0
  // Brackets with nothing in between are one token, and stay together.
  return text.replace(/"(?:[^"\\]|\\.)*"|[{[]\s*[}\]]|[{}[\],:]/g, (token) => {
    const line = () => `\n${'  '.repeat(depth)}`
    if (token === ':') return ': '
    if (token === ',') return `,${line()}`
    if (token === '{' || token === '[') {
      depth++
      return `${token}${line()}`
    }
    if (token === '}' || token === ']') {
      depth--
      return `${line()}${token}`
    }
    return token
  })
}
