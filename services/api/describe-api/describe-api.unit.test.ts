import { expect, test } from 'vitest'
import { describeApi } from './describe-api.ts'

test.each(['3.2.0', '3.1.1'] as const)('every reference in the %s document leads somewhere', (openapi) => {
  const document = describeApi(openapi, '1.2.3')
  expect(document).toMatchObject({ openapi, info: { title: 'Hasty', version: '1.2.3' } })
  const text = JSON.stringify(document)
  const names = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name))
  const { schemas } = document['components'] as { schemas: Record<string, unknown> }
  expect(names.size).toBeGreaterThan(10)
  for (const name of names) expect(Object.keys(schemas)).toContain(name)
  expect(text.includes('itemSchema')).toBe(openapi === '3.2.0')
})
