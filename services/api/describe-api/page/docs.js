// Renders the service's own OpenAPI document. Text is only inserted as text, so none of it is ever markup.

const response = await fetch('openapi.json')
const api = await response.json()

/** @returns an element with attributes and children; texts become text nodes */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children.flat())
  return made
}

const resolve = (schema) =>
  schema?.$ref === undefined ? schema : api.components.schemas[schema.$ref.split('/').at(-1)]

/** The type that a schema accepts, in a few words. */
function typeOf(schema) {
  if (schema === undefined) return 'anything'
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1)
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  const options = schema.anyOf ?? schema.oneOf
  if (options !== undefined) return options.map(typeOf).join(' | ')
  if (schema.type === 'array') return `${typeOf(schema.items)}[]`
  return [schema.type].flat().filter(Boolean).join(' | ') || 'anything'
}

function limitsOf(schema) {
  const named = ['default', 'minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'pattern']
  return named.filter((name) => schema?.[name] !== undefined).map((name) => `${name} ${JSON.stringify(schema[name])}`)
}

const row = (name, schema, isRequired, description) =>
  element(
    'tr',
    {},
    element('td', {}, element('code', {}, name), isRequired ? ' *' : ''),
    element('td', {}, typeOf(schema)),
    element(
      'td',
      {},
      description ?? schema?.description ?? '',
      ' ',
      element('span', { class: 'quiet' }, limitsOf(schema).join(', ')),
    ),
  )

function table(title, rows) {
  if (rows.length === 0) return []
  return [element('h4', {}, title), element('table', {}, element('tbody', {}, rows))]
}

function membersOf(schema) {
  const whole = resolve(schema) ?? {}
  const item = whole.type === 'array' ? resolve(whole.items) : whole
  const required = new Set(item?.required ?? [])
  return Object.entries(item?.properties ?? {}).map(([name, member]) => row(name, member, required.has(name)))
}

/** A request to copy: with all required members and no others. */
function exampleOf(method, path, operation) {
  const schema = resolve(operation.requestBody?.content?.['application/json']?.schema)
  const parts = [`curl -i${method === 'get' ? '' : ` -X ${method.toUpperCase()}`} '${location.origin}${path}'`]
  if (operation.requestBody?.required === true) {
    const names = schema?.required ?? []
    const body = Object.fromEntries(names.map((name) => [name, sampleOf(resolve(schema.properties[name]))]))
    const sent = schema?.type === 'array' ? [{ object_id: 'order-1' }] : body
    parts.push(`-H 'content-type: application/json'`, `-d '${JSON.stringify(sent)}'`)
  }
  return parts.join(' \\\n  ')
}

function sampleOf(schema) {
  if (schema?.type === 'object') return { type: 'sleep' }
  if (schema?.type === 'integer' || schema?.type === 'number') return schema.minimum ?? 1
  return 'order-1'
}

function answersOf(operation) {
  return Object.entries(operation.responses).map(([status, answer]) => {
    const schemas = Object.entries(answer.content ?? {}).map(([type, { schema }]) =>
      type === 'application/json' ? typeOf(schema) : type,
    )
    const lines = answer.description.split('\n').map((line) => element('div', {}, line.replaceAll('`', '')))
    return element(
      'tr',
      {},
      element('td', {}, element('code', {}, status)),
      element('td', {}, schemas.join(', ')),
      element('td', {}, lines),
    )
  })
}

function section(method, path, operation) {
  const parameters = (operation.parameters ?? []).map(({ name, schema, required, description, in: where }) =>
    row(`${name} (${where})`, schema, required === true, description),
  )
  const body = operation.requestBody?.content?.['application/json']?.schema
  return element(
    'section',
    { id: operation.operationId },
    element('h3', {}, element('code', {}, `${method.toUpperCase()} ${path}`), ` ${operation.summary}`),
    element('p', {}, operation.description ?? ''),
    element('pre', {}, exampleOf(method, path, operation)),
    table('Parameters', parameters),
    table('Body', body === undefined ? [] : membersOf(body)),
    table('Answers', answersOf(operation)),
  )
}

const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
)
const sections = operations.map((each) => section(each.method, each.path, each.operation))

document.getElementById('about').textContent =
  `${api.info.description} Version ${api.info.version}, OpenAPI ${api.openapi}.`
document.getElementById('operations').append(...sections)
document.getElementById('contents').append(
  ...api.tags.flatMap(({ name }) => [
    element('h2', {}, name),
    element(
      'ul',
      {},
      operations
        .filter(({ operation }) => operation.tags.includes(name))
        .map(({ operation }) =>
          element('li', {}, element('a', { href: `#${operation.operationId}` }, operation.summary)),
        ),
    ),
  ]),
)

document.getElementById('find').addEventListener('input', ({ target }) => {
  const wanted = target.value.toLowerCase()
  for (const each of sections) each.hidden = !each.textContent.toLowerCase().includes(wanted)
})
