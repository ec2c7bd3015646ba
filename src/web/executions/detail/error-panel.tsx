import { CodeBox } from '../../components/card.tsx'
import { CopyButton, LinkButton } from '../../components/controls.tsx'
import type { RunView } from './model.ts'

const titleMaxChars = 180

/**
 * Why a run failed: the original message, an explanation, and actions that fix it.
 * @param text the diagnosis for an AI model
 */
export function ErrorPanel({ view, text }: { view: RunView; text: string }) {
  const { failure, n8nUrl, page } = view
  if (!failure) return null
  const { message, cause, advice, remedy, credentials, httpStatus, node } = failure
  const [firstLine = message] = message.split('\n')
  const fixes = remedy === 'credential' ? credentials : []
  const raw = [
    [page.group?.errorClass ?? 'Error', httpStatus !== null && `HTTP ${httpStatus}`, node && `at ${node}`],
  ]
  return (
    <div class="run-error">
      <h3>{firstLine.length > titleMaxChars ? `${firstLine.slice(0, titleMaxChars)}…` : firstLine}</h3>
      <p>
        {cause ? `${cause} ` : 'Flowkeep has no explanation for this message. '}
        {fixes.length > 0 && (
          <>
            The node uses{' '}
            {fixes.map(({ id, name }, index) => (
              <>
                {index > 0 && ' and '}
                <a class="link" href={`/credentials/${id}`}>
                  {name}
                </a>
              </>
            ))}
            .{' '}
          </>
        )}
        {remedy === 'credential' &&
          fixes.length === 0 &&
          'The node uses a credential that exists only in n8n. '}
        {advice}
      </p>
      <CodeBox>{[...raw.map((parts) => parts.filter(Boolean).join('  ')), message].join('\n')}</CodeBox>
      <div class="actions">
        {fixes.map(({ id, name }, index) => (
          <LinkButton href={`/credentials/${id}`} kind={index === 0 ? 'primary' : 'plain'}>
            {fixes.length > 1 ? `Fix ${name}` : 'Fix credential'}
          </LinkButton>
        ))}
        {n8nUrl && fixes.length === 0 && (
          <LinkButton href={n8nUrl} icon="external" external kind="primary">
            Open in n8n
          </LinkButton>
        )}
        <CopyButton from="#ai-text" small={false}>
          Copy for your AI
        </CopyButton>
      </div>
      <details class="run-ai" id="ai-text-shown">
        <summary>Preview the text for your AI</summary>
        <CodeBox id="ai-text">{text}</CodeBox>
      </details>
    </div>
  )
}
