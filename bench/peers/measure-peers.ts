import { setTimeout as sleep } from 'node:timers/promises'
import { findNatsServer } from '../../scripts/servers/find-nats-server.ts'
import { installPeers } from './install.ts'
import { type PeerName, peers } from './peers.ts'
import type { RunOptions } from './run-options.ts'
import { type Row, runPeer } from './run-peer.ts'

const REST_MS = 5_000

/** Measures every peer so often, interleaved. @param onRow is told of each run when it is over */
export async function measurePeers(
  names: readonly PeerName[],
  repeats: number,
  options: RunOptions,
  onRow: (row: Row) => void = () => {},
): Promise<Row[]> {
  installPeers(names)
  process.env['NATS_SERVER_BIN'] ??= (await findNatsServer()).path
  const rows: Row[] = []
  for (let repeat = 1; repeat <= repeats; repeat++) {
    // There and back, so that a drift of the machine favours nobody.
    for (const name of repeat % 2 === 1 ? names : names.toReversed()) {
      const row = await runPeer(name, peers[name], repeat, options)
      rows.push(row)
      onRow(row)
      console.error(`#${repeat} ${name}: ${row.error ?? briefly(row)}`)
      await sleep(REST_MS)
    }
  }
  return rows
}

function briefly({ e2e, accept, requests, messages, drain }: Row): string {
  return Object.entries({ e2e, accept, requests, messages, drain })
    .flatMap(([name, phase]) => (phase === undefined ? [] : [`${name} ${Math.round(phase.perS)}/s`]))
    .join(', ')
}
