export function hit(t: number): void
export function serve(depth: () => Promise<number>): Promise<void>
