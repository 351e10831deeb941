import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** Buckets in seconds. The timeout of 46 s has one of its own, so that timeouts are counted exactly. */
export const RUN_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 46, 60]
export const WAIT_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800]
export const HTTP_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

export function createRegistry(service: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry })
  return registry
}

export const counter = <L extends string>(registry: Registry, name: string, help: string, labels: L[] = []) =>
  new Counter({ name, help, labelNames: labels, registers: [registry] })

export const gauge = <L extends string>(registry: Registry, name: string, help: string, labels: L[] = []) =>
  new Gauge({ name, help, labelNames: labels, registers: [registry] })

export const histogram = <L extends string>(
  registry: Registry,
  name: string,
  help: string,
  buckets: number[],
  labels: L[] = [],
) => new Histogram({ name, help, buckets, labelNames: labels, registers: [registry] })
