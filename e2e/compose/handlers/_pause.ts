export const pause = (ms: number): Promise<number> => new Promise((resolve) => setTimeout(() => resolve(ms), ms))
