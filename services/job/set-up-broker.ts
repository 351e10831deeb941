import { connectBroker } from '#shared/bus/connection.ts'
import { refreshLanes } from '#shared/bus/lanes/change-lanes.ts'
import { ensureLanes, listLanes } from '#shared/bus/lanes/lanes.ts'
import { ensureTopology, type TopologyOptions } from '#shared/bus/topology/topology.ts'
import type { Logger } from '#shared/process/logger.ts'
import { systemClock } from '#shared/time/clock.ts'
import type { JobConfig } from './config.ts'
import { loadHandlers, switchedOffTypes, typeInfo } from './handlers/load-handlers.ts'

/** Creates the streams and the lanes of every job type; existing ones stay, with their content. */
export async function setUpBroker(config: JobConfig, log: Logger): Promise<void> {
  const handlers = await loadHandlers(config, { log })
  const broker = await connectBroker({
    url: config.NATS_URL,
    name: 'setup',
    user: config.NATS_USER,
    password: config.NATS_PASSWORD,
    clock: systemClock,
    log,
  })
  try {
    const topology = topologyOf(config)
    await ensureTopology(broker, topology)
    for (const handler of handlers.values()) {
      await ensureLanes(broker, typeInfo(handler), topology)
      await refreshLanes(broker, typeInfo(handler), topology)
    }
    // The lanes of a type that was offered before stay, with what waits in them; without lanes this does nothing.
    for (const info of switchedOffTypes(config).filter(({ type }) => !handlers.has(type)))
      await refreshLanes(broker, info, topology)
    log.info({ types: [...handlers.keys()] }, 'streams and lanes are ready')
    const lanes = (await listLanes(broker)).filter(({ info }) => info.policy.runner !== 'http')
    const others = new Set(lanes.map(({ type }) => type).filter((type) => !handlers.has(type)))
    // They may belong to another deployment. If not, their jobs are accepted, wait, and hold the log.
    if (others.size > 0)
      log.warn(
        { types: [...others] },
        'lanes exist for types without a handler here: if no other deployment runs them, their jobs wait forever',
      )
  } finally {
    await broker.close()
  }
}

export const topologyOf = (config: JobConfig): TopologyOptions => ({
  cooldownMs: config.COOLDOWN_MS,
  leaseMs: config.LEASE_MS,
  replicas: config.HASTY_REPLICAS,
})
