/** One metric as a service exports it. */
export interface Metric {
  name: string
  help: string
  kind: string
  samples: { labels: Record<string, string>; value: number }[]
}

/** Metrics of Hasty's own that a service exports now. */
export async function readMetrics(url: string): Promise<Metric[]> {
  const response = await fetch(`${url}/metrics`)
  if (!response.ok) throw new Error(`${url}/metrics answered ${response.status}`)
  const text = await response.text()
  const metrics: Metric[] = []
  for (const line of text.split('\n')) {
    const [, name = '', help = ''] = /^# HELP (\S+) (.*)$/.exec(line) ?? []
    if (name !== '') metrics.push({ name, help, kind: '', samples: [] })
    const last = metrics.at(-1)
    if (last === undefined) continue
    last.kind = /^# TYPE \S+ (\S+)$/.exec(line)?.[1] ?? last.kind
    const sample = /^[a-z_]+(?:\{(.*)\})? (\S+)$/.exec(line)
    if (sample !== null) last.samples.push({ labels: labelsOf(sample[1] ?? ''), value: Number(sample[2]) })
  }
  return metrics.filter(({ name }) => name.startsWith('hasty_'))
}

const labelsOf = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]))

const INTRO = `# Metrics

What each service exports at \`/metrics\`, beside the usual ones of the process (\`process_*\`, \`nodejs_*\`); written by
\`e2e/metrics/metrics.test.ts\`. Every metric has the label \`service\`. Which of them should stay at 0 says
[running Hasty](running.md#what-to-watch).

The gauges of the keeper tell of the whole system, and the keeper that applies the log is the only one that shows them:
sums over replicas are right. At most 200 types are named, those with the most waiting jobs; \`other\` is
the rest.
`

/** The page of all metrics, by name. */
export function describeMetrics(all: { kind: string; metrics: Metric[] }[]): string {
  const rows = new Map<string, Metric & { services: Set<string> }>()
  for (const { kind, metrics } of all)
    for (const metric of metrics) {
      const row = rows.get(metric.name) ?? { ...metric, services: new Set<string>() }
      row.services.add(kind)
      rows.set(metric.name, row)
    }
  const lines = [...rows.values()]
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap(({ name, kind, help, services }) => [
      `- \`${name}\` (${kind}; ${[...services].join(', ')}):`,
      `  ${help}.`,
    ])
  return `${INTRO}\n${lines.join('\n')}\n`
}
