// The documents: every relative link leads somewhere, and lines fit a screen. Anchors are made as GitHub makes them.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const LINE_LENGTH = 120

// Without the packages that a benchmark installs beside itself.
const files = globSync(['*.md', '{bench,docs,examples,deploy}/**/*.md'], { cwd: root, exclude: ['**/node_modules/**'] })

/** The text without its blocks of code, in which nothing is a link or a heading. */
const proseOf = (file: string): string => readFileSync(join(root, file), 'utf8').replaceAll(/^```[^]*?^```/gm, '')

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')

const anchorsIn = (file: string): string[] =>
  [...proseOf(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))

function brokenLinks(file: string): string[] {
  const links = [...proseOf(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  return links.filter((link) => {
    if (/^https?:/.test(link)) return false
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? file : join(dirname(file), path)
    return !existsSync(join(root, target)) || (anchor !== undefined && !anchorsIn(target).includes(anchor))
  })
}

/** Records of the past: lines are added, and old ones are not rewrapped. */
const RECORDS = ['CHANGELOG.md', 'bench/RESULTS.md']

/** Every long line except the rows of tables, which cannot be broken. */
function longLines(file: string): string[] {
  if (RECORDS.includes(file)) return []
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  return lines.filter((line) => line.length > LINE_LENGTH && !line.startsWith('|'))
}

test('there are documents to look at', () => {
  expect(files).toEqual(expect.arrayContaining(['README.md', 'docs/README.md', 'docs/how-to/deploy.md']))
})

for (const file of files) {
  test(`${file} has links that lead somewhere, and lines of at most ${LINE_LENGTH} characters`, () => {
    expect(brokenLinks(file)).toEqual([])
    expect(longLines(file)).toEqual([])
  })
}

test('what the guide to handlers shows is what examples/handlers has, which is checked and run', () => {
  const shown = [...readFileSync(join(root, 'docs/how-to/write-handlers.md'), 'utf8').matchAll(/^```ts\n([^]*?)^```/gm)]
  const examples = globSync('examples/handlers/*.ts', { cwd: root }).map((file) =>
    readFileSync(join(root, file), 'utf8'),
  )
  expect(shown.length).toBeGreaterThan(3)
  expect(shown.map(([, code = '']) => code).filter((code) => !examples.includes(code))).toEqual([])
})

test('docs/README.md leads to every document', () => {
  const linked = [...proseOf('docs/README.md').matchAll(/\]\(([^)#\s]+)/g)].map(([, link = '']) => join('docs', link))
  const documents = files.filter((file) => file.startsWith('docs/') && file !== 'docs/README.md')
  expect(documents.filter((file) => !linked.includes(file))).toEqual([])
})
