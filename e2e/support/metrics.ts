/** The sum of a metric over its labels and over the services at these addresses; 0 where none has it. */
export async function sumOfMetric(services: readonly { url: string }[], name: string): Promise<number> {
  const texts = await Promise.all(
    services.map(async ({ url }) => {
      const response = await fetch(`${url}/metrics`)
      if (!response.ok) throw new Error(`${url}/metrics answered ${response.status}`)
      return response.text()
    }),
  )
  const values = texts.flatMap((text) => [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))])
  return values.reduce((sum, [, value]) => sum + Number(value), 0)
}
