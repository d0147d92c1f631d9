import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importJmx, JmxError, readExperiment } from '../../src/lab/index.ts'

/** A plan as JMeter 5 saves it. */
function planOf({ body = 'x'.repeat(500), more = '', loops = '25000', threads = '50' } = {}) {
  return `<?xml version="1.0" encoding="UTF-8"?>
<jmeterTestPlan version="1.2" properties="5.0" jmeter="5.4.1">
  <hashTree>
    <TestPlan guiclass="TestPlanGui" testclass="TestPlan" testname="Plan" enabled="true">
      <elementProp name="TestPlan.user_defined_variables" elementType="Arguments" testclass="Arguments">
        <collectionProp name="Arguments.arguments"/>
      </elementProp>
    </TestPlan>
    <hashTree>
      <ThreadGroup guiclass="ThreadGroupGui" testclass="ThreadGroup" testname="Users" enabled="true">
        <stringProp name="ThreadGroup.on_sample_error">continue</stringProp>
        <elementProp name="ThreadGroup.main_controller" elementType="LoopController" testclass="LoopController">
          <boolProp name="LoopController.continue_forever">false</boolProp>
          <stringProp name="LoopController.loops">${loops}</stringProp>
        </elementProp>
        <stringProp name="ThreadGroup.num_threads">${threads}</stringProp>
        <stringProp name="ThreadGroup.ramp_time">750</stringProp>
        <boolProp name="ThreadGroup.scheduler">false</boolProp>
      </ThreadGroup>
      <hashTree>
        <HTTPSamplerProxy guiclass="HttpTestSampleGui" testclass="HTTPSamplerProxy" testname="HTTP Request" enabled="true">
          <boolProp name="HTTPSampler.postBodyRaw">true</boolProp>
          <elementProp name="HTTPsampler.Arguments" elementType="Arguments">
            <collectionProp name="Arguments.arguments">
              <elementProp name="" elementType="HTTPArgument">
                <stringProp name="Argument.value">${body}</stringProp>
              </elementProp>
            </collectionProp>
          </elementProp>
          <stringProp name="HTTPSampler.domain">localhost</stringProp>
          <stringProp name="HTTPSampler.port">8080</stringProp>
          <stringProp name="HTTPSampler.path">/mappedIngest/s2</stringProp>
          <stringProp name="HTTPSampler.method">POST</stringProp>
        </HTTPSamplerProxy>
        <hashTree/>
        ${more}
        <ResultCollector guiclass="SummaryReport" testclass="ResultCollector" testname="Summary" enabled="true"/>
        <hashTree/>
      </hashTree>
    </hashTree>
  </hashTree>
</jmeterTestPlan>`
}

function refusalOf(text: string): string {
  try {
    importJmx(text, 'plan')
  } catch (error) {
    assert.ok(error instanceof JmxError)
    return error.message
  }
  return ''
}

test("the log's own plan becomes an experiment that can be read", () => {
  const { yaml, notes } = importJmx(planOf(), 'plan')

  const { load, payload } = readExperiment({ name: 'plan.yaml', text: yaml })
  assert.deepEqual([load.threads, load.rampUpMs, load.loops], [50, 750_000, 25_000])
  assert.deepEqual(payload, { bytes: 500, key: 'fixed' })
  assert.deepEqual(notes, [])
  assert.match(yaml, /--target http:\/\/localhost:8080\/mappedIngest\/s2/)
})

test('a body with variables has a key of its own in each request, and says so', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as JMeter writes its variables
  const { yaml, notes } = importJmx(planOf({ body: '{"foo":{"foopart1":"${__UUID()}"}}' }), 'plan')

  assert.equal(readExperiment({ name: 'plan.yaml', text: yaml }).payload.key, 'random')
  assert.match(notes.join(), /variables/)
})

test('what cannot be taken over is told', () => {
  const timer =
    '<ConstantTimer guiclass="ConstantTimerGui" testclass="ConstantTimer" testname="t" enabled="true"/><hashTree/>'

  assert.deepEqual(importJmx(planOf({ more: timer }), 'plan').notes, ['the element ConstantTimer'])
  const off = timer.replace('enabled="true"', 'enabled="false"')
  assert.deepEqual(importJmx(planOf({ more: off }), 'plan').notes, [])
})

test('a plan of another kind is refused with the reason', () => {
  const second =
    '<HTTPSamplerProxy testclass="HTTPSamplerProxy" testname="b" enabled="true"></HTTPSamplerProxy><hashTree/>'

  assert.match(refusalOf(planOf({ more: second })), /2 enabled HTTP requests/)
  assert.match(refusalOf(planOf({ loops: '-1' })), /loop for ever/)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as JMeter writes its variables
  assert.match(refusalOf(planOf({ threads: '${users}' })), /a whole number is needed/)
  assert.match(refusalOf('<a></a>'), /no jmeterTestPlan/)
  assert.match(refusalOf('<a>'), /no XML/)
  assert.match(refusalOf('no plan at all'), /no/)
})
