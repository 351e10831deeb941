// The dashboard's first module: everything else is imported from here, the screens when they are first shown.
import { render } from 'preact'
import { askWho } from './api.ts'
import { App } from './app.ts'
import { startClock } from './clock.ts'
import { html } from './html.ts'
import { listenToKeys } from './keys.ts'
import { follow } from './live.ts'
import { followLinks, place } from './route.ts'
import { preloadScreen } from './screens.ts'
import { beginAsLastTime, takeTokenFromAddress } from './session.ts'
import { showKeys } from './shell/keys-help.ts'
import { keepTheme } from './theme.ts'

const ASK_AGAIN_MS = 2_000

/** Asks until somebody answers: the page may have been opened while Hasty restarts. */
const askUntilAnswered = (): void => {
  askWho().catch(() => setTimeout(askUntilAnswered, ASK_AGAIN_MS))
}

keepTheme()
startClock()
takeTokenFromAddress()
beginAsLastTime()
followLinks()
listenToKeys(showKeys)
// Its module is under way while the caller is asked for.
preloadScreen(place.value.path)
render(html`<${App} />`, document.body)
askUntilAnswered()
follow()
