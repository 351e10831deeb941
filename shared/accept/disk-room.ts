import { statfs } from 'node:fs/promises'

/** Of the disk, at most: what was accepted must find room to its end, in the log and in the store. */
const RESERVE_SHARE = 0.1
const RESERVE_MAX_BYTES = 256 * 1024 * 1024

/**
 * Why nothing new may come in, where data lies in a folder of this machine: under `npm start` log and stores fill the
 * same disk, and the limit of none knows of the others. null: there is room, or no such folder.
 */
export async function whyDiskFull(folder: string): Promise<string | null> {
  const disk = await statfs(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (disk === null) return null
  const { bavail, blocks, bsize } = disk
  const free = bavail * bsize
  const reserve = Math.floor(Math.min(blocks * bsize * RESERVE_SHARE, RESERVE_MAX_BYTES))
  return free < reserve
    ? `the disk of DATA_DIR has ${free} bytes left, and the last ${reserve} are reserved for running jobs`
    : null
}
