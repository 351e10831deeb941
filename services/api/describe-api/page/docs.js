// Renders the service's own OpenAPI document.
import { element, lines, prose } from './element.js'
import { memberRow, memberRows, typeOf } from './schema.js'
import { KEPT_TOKEN, tryIt } from './try-it.js'

const response = await fetch('openapi.json')
const api = await response.json()

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id)

/** @typedef {import('./try-it.js').Call} Call */

/** @param {string} title @param {import('./element.js').Child[]} rows */
const part = (title, rows) =>
  rows.length === 0 ? [] : [element('h3', {}, title), element('div', { class: 'members' }, rows)]

/** @param {Call} call */
function answersOf({ operation }) {
  const answers = Object.entries(operation['responses']).map(([status, answer]) => ({
    isFault: Number(status) >= 400,
    node: answerOf(status, answer),
  }))
  const faults = answers.filter(({ isFault }) => isFault).map(({ node }) => node)
  const statuses = Object.keys(operation['responses']).filter((status) => Number(status) >= 400)
  return [
    ...answers.filter(({ isFault }) => !isFault).map(({ node }) => node),
    faults.length === 0
      ? ''
      : element('details', { class: 'faults' }, element('summary', {}, `Errors: ${statuses.join(', ')}`), faults),
  ]
}

/** @param {string} status @param {any} answer */
function answerOf(status, answer) {
  const isFault = Number(status) >= 400
  const contents = Object.entries(answer.content ?? {})
  const types = contents.map(([type, { schema }]) => (type === 'application/json' ? typeOf(schema) : type))
  return element(
    'details',
    { class: isFault ? 'fault' : 'good', open: isFault },
    element(
      'summary',
      {},
      element('code', {}, status),
      ' ',
      element('span', { class: 'type' }, isFault ? '' : types.join(', ')),
    ),
    lines(answer.description),
    isFault ? '' : memberRows(api, answer.content?.['application/json']?.schema),
  )
}

/** @param {Call} call */
function scopesOf({ operation }) {
  const scopes = (operation['security'] ?? []).flatMap((/** @type {any} */ one) => one.token ?? [])
  return scopes.length === 0 ? '' : element('p', { class: 'quiet' }, 'Scope ', element('code', {}, scopes.join(', ')))
}

/** @param {Call} call */
function section(call) {
  const { method, path, operation } = call
  const parameters = (operation['parameters'] ?? []).map(
    (/** @type {any} */ { name, schema, required, description, in: where }) =>
      memberRow(api, { name: `${name} (${where})`, schema, isRequired: required === true, description }),
  )
  const bodies = Object.entries(operation['requestBody']?.content ?? {})
  return element(
    'section',
    { id: operation['operationId'] },
    element('h2', {}, element('a', { href: `#${operation['operationId']}` }, operation['summary'])),
    element(
      'p',
      { class: 'address' },
      element('span', { class: `verb ${method}` }, method.toUpperCase()),
      element('code', {}, path),
    ),
    element('p', {}, prose(operation['description'])),
    scopesOf(call),
    part('Parameters', parameters),
    bodies.flatMap(([type, { schema }]) => part(`Body, ${type}`, memberRows(api, schema))),
    part('Answers', answersOf(call)),
    tryIt(api, call),
  )
}

/** @type {Call[]} */
const calls = Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
)
const sections = calls.map((call) => ({ call, node: section(call), link: element('li', {}, linkTo(call)) }))

/** @param {Call} call */
function linkTo({ method, operation }) {
  const verb = element('span', { class: `verb ${method}` }, method.toUpperCase())
  return element('a', { href: `#${operation['operationId']}` }, verb, operation['summary'])
}

byId('about').textContent = `${api.info.description} Version ${api.info.version}, OpenAPI ${api.openapi}.`
byId('operations').append(...sections.map(({ node }) => node))
const groups = api.tags.map((/** @type {{ name: string }} */ { name }) => {
  const own = sections.filter(({ call }) => call.operation['tags'].includes(name))
  return { own, node: element('div', {}, element('h2', {}, name), element('ul', {}, ...own.map(({ link }) => link))) }
})
byId('contents').append(...groups.map((/** @type {{ node: Node }} */ { node }) => node))

/**
 * Whether an operation's heading has all the words, or its text the words as they stand.
 * @param {Call} call @param {Node} node @param {string} wanted
 */
function isAbout({ method, path, operation }, node, wanted) {
  const heading = `${method} ${path} ${operation['summary']}`.toLowerCase()
  const text = (node.textContent ?? '').toLowerCase()
  return wanted.split(/\s+/).every((word) => heading.includes(word)) || text.includes(wanted)
}

byId('find').addEventListener('input', () => {
  const wanted = byId('find').value.trim().toLowerCase()
  for (const { node, link, call } of sections) node.hidden = link.hidden = !isAbout(call, node, wanted)
  for (const { own, node } of groups)
    node.hidden = own.every((/** @type {{ link: HTMLElement }} */ { link }) => link.hidden)
  byId('nothing').hidden = sections.some(({ node }) => !node.hidden)
})
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || /** @type {HTMLElement} */ (event.target).closest('input, textarea') !== null) return
  event.preventDefault()
  byId('find').focus()
})

// Only where the server wants tokens: it says so in its description.
byId('token-field').hidden = api.components.securitySchemes === undefined
byId('token').value = sessionStorage.getItem(KEPT_TOKEN) ?? ''
byId('token').addEventListener('input', () => {
  const token = byId('token').value.trim()
  if (token === '') sessionStorage.removeItem(KEPT_TOKEN)
  else sessionStorage.setItem(KEPT_TOKEN, token)
})
// The address may name an operation that was not there when the page was loaded.
if (location.hash !== '') byId(location.hash.slice(1))?.scrollIntoView()
