import { createHash } from 'node:crypto'
import { importMapOf } from './vendored.ts'

export interface Shell {
  html: string
  /** The Content-Security-Policy of the page. */
  policy: string
}

export interface ShellParts {
  /** Address of all files, with a slash at its end. */
  base: string
  entry: string
  style: string
  icon: string
  /** Modules that the entry needs before it runs. */
  preload: readonly string[]
}

/** The one document of the dashboard: each of its addresses gets it, and the page shows what the address names. */
export function makeShell({ base, entry, style, icon, preload }: ShellParts): Shell {
  const importMap = JSON.stringify({ imports: importMapOf(base) })
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Hasty</title>
<link rel="icon" href="${base}${icon}">
<link rel="stylesheet" href="${base}${style}">
<script type="importmap">${importMap}</script>
${preload.map((path) => `<link rel="modulepreload" href="${base}${path}">`).join('\n')}
<script type="module" src="${base}${entry}"></script>
</head>
<body>
<noscript>The dashboard needs JavaScript. The same facts are at <a href="/docs">/docs</a>.</noscript>
</body>
</html>
`
  return { html, policy: policyOf(importMap) }
}

/** Scripts and styles come from this server alone; the only inline script is the import map, named by its hash. */
const policyOf = (importMap: string): string =>
  [
    "default-src 'none'",
    `script-src 'self' 'sha256-${createHash('sha256').update(importMap).digest('base64')}'`,
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ')
