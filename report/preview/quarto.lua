-- Quarto's own Markdown, for plain pandoc: callouts, tabsets, numbered figures and tables, cross-references.

local stringify = pandoc.utils.stringify

local NAMES = { fig = 'Figure', tbl = 'Table', sec = 'Section', eq = 'Equation', lst = 'Listing' }
local TITLES = { note = 'Note', tip = 'Tip', warning = 'Warning', important = 'Important', caution = 'Caution' }
local NBSP = '\u{a0}'

local function raw(html) return pandoc.RawBlock('html', html) end

local function escape(text)
  return (text:gsub('[&<>"]', { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;' }))
end

-- Inlines between two tags, as one block.
local function wrapped(open, inlines, close)
  local content = pandoc.List { pandoc.RawInline('html', open) }
  content:extend(inlines)
  content:insert(pandoc.RawInline('html', close))
  return pandoc.Plain(content)
end

-- The words of inlines, those of raw HTML too.
local function words(inlines)
  return stringify(pandoc.Inlines(inlines):walk {
    RawInline = function(inline)
      if inline.format == 'html' then return pandoc.Str(stringify(pandoc.read(inline.text, 'html'))) end
    end,
  })
end

-- Ends the run; what is printed after "crossref: " is shown to the author.
local function fail(text) error('\ncrossref: ' .. text .. '\n', 0) end

-- Callouts ---------------------------------------------------------------------------------------------------------

local function callout(div, kind)
  local content = pandoc.List(div.content)
  local title
  if div.attributes.title then
    title = pandoc.utils.blocks_to_inlines(pandoc.read(div.attributes.title, 'markdown').blocks)
  elseif content[1] and content[1].t == 'Header' then
    title = content:remove(1).content
  else
    title = { pandoc.Str(TITLES[kind]) }
  end
  local collapse = div.attributes.collapse
  local outer, inner = 'div', 'div'
  if collapse then outer, inner = 'details', 'summary' end
  local blocks = pandoc.List {
    raw(string.format('<%s%s class="callout callout-%s"%s>', outer,
      div.identifier ~= '' and ' id="' .. escape(div.identifier) .. '"' or '', kind,
      collapse == 'false' and ' open' or '')),
    wrapped('<' .. inner .. ' class="callout-title"><span>', title, '</span></' .. inner .. '>'),
    raw('<div class="callout-body">'),
  }
  blocks:extend(content)
  blocks:extend { raw('</div>'), raw('</' .. outer .. '>') }
  return blocks
end

-- Tabsets ----------------------------------------------------------------------------------------------------------

local tabsets = 0

local function tabset(div)
  local tabs, level = pandoc.List(), nil
  for _, block in ipairs(div.content) do
    if block.t == 'Header' and (level == nil or block.level == level) then
      level = block.level
      tabs:insert { title = block.content, blocks = pandoc.List() }
    elseif #tabs > 0 then
      tabs[#tabs].blocks:insert(block)
    end
  end
  tabsets = tabsets + 1
  local blocks = pandoc.List { raw('<div class="panel-tabset">'), raw('<div class="nav-tabs" role="tablist">') }
  for i, tab in ipairs(tabs) do
    local id = string.format('tabset-%d-%d', tabsets, i)
    blocks:insert(wrapped(
      string.format('<button type="button" role="tab" id="%s-tab" aria-controls="%s" aria-selected="%s"%s>',
        id, id, tostring(i == 1), i == 1 and '' or ' tabindex="-1"'), tab.title, '</button>'))
  end
  blocks:extend { raw('</div>'), raw('<div class="tab-content">') }
  for i, tab in ipairs(tabs) do
    local id = string.format('tabset-%d-%d', tabsets, i)
    blocks:insert(raw(string.format('<div class="tab-pane" role="tabpanel" id="%s" aria-labelledby="%s-tab" data-title="%s">',
      id, id, escape(words(tab.title)))))
    blocks:extend(tab.blocks)
    blocks:insert(raw('</div>'))
  end
  blocks:extend { raw('</div>'), raw('</div>') }
  return blocks
end

local function shape(div)
  if div.classes:includes('panel-tabset') then return tabset(div) end
  for _, class in ipairs(div.classes) do
    local kind = class:match('^callout%-(%a+)$')
    if kind and TITLES[kind] then return callout(div, kind) end
  end
end

-- Numbers ----------------------------------------------------------------------------------------------------------

local entries, counts, sections = {}, { fig = 0, tbl = 0 }, {}

local function kind_of(id) return id:match('^(%l+)%-.') end

local function register(id, number)
  if entries[id] then fail('@' .. id .. ' is defined twice') end
  entries[id] = number
end

-- "Figure 1: " and the caption; "Figure 1" where there is none.
local function numbered(id, caption)
  local kind = kind_of(id)
  counts[kind] = counts[kind] + 1
  register(id, tostring(counts[kind]))
  local label = NAMES[kind] .. NBSP .. counts[kind]
  if #caption == 0 then return pandoc.Inlines { pandoc.Str(label) } end
  local inlines = pandoc.Inlines { pandoc.Str(label .. ':'), pandoc.Space() }
  inlines:extend(caption)
  return inlines
end

-- A figure as HTML has it. The caption of a table stands above it, as in Quarto.
local function float(id, classes, content, caption)
  local kind = kind_of(id)
  local all = pandoc.List { 'quarto-float', 'quarto-float-' .. kind }
  all:extend(classes)
  local figure = pandoc.List { raw(string.format('<figure id="%s" class="%s">', escape(id), escape(table.concat(all, ' ')))) }
  local text = wrapped('<figcaption>', numbered(id, caption), '</figcaption>')
  if kind == 'tbl' then figure:insert(text) end
  figure:extend(content)
  if kind ~= 'tbl' then figure:insert(text) end
  figure:insert(raw('</figure>'))
  return figure
end

local function is_float(id) return id:match('^fig%-.') or id:match('^tbl%-.') end

local function number_div(div)
  if not is_float(div.identifier) then return nil end
  local content = pandoc.List(div.content)
  local caption = {}
  local last = content[#content]
  if last and (last.t == 'Para' or last.t == 'Plain') and #content > 1 then
    caption = content:remove(#content).content
  end
  return float(div.identifier, div.classes, content, caption)
end

local function number_figure(figure)
  if not is_float(figure.identifier) then return nil end
  local caption = pandoc.utils.blocks_to_inlines(figure.caption.long)
  return float(figure.identifier, figure.classes, figure.content, caption)
end

-- `{#tbl-x}` at the end of a caption, where pandoc has left it in the text.
local function label_of(tbl)
  if tbl.identifier ~= '' then return tbl.identifier end
  local last = tbl.caption.long[#tbl.caption.long]
  if not last or not last.content then return '' end
  local label = #last.content > 0 and last.content[#last.content].text
  label = label and label:match('^{#(tbl%-[^ }]+)}$')
  if not label then return '' end
  last.content:remove(#last.content)
  if #last.content > 0 and last.content[#last.content].t == 'Space' then last.content:remove(#last.content) end
  return label
end

local function looks_numeric(cell)
  local text = stringify(cell.contents):gsub('[−±–×%s]', '')
  return text == '' or text:match('^[%+%-<>]?%d[%d%.,%%()]*$') ~= nil
end

-- Columns that hold nothing but numbers are set to the right, unless the author has said how.
local function align_numbers(tbl)
  local rows = pandoc.List()
  for _, body in ipairs(tbl.bodies) do rows:extend(body.body) end
  for j, spec in ipairs(tbl.colspecs) do
    local numeric = #rows > 0 and spec[1] == 'AlignDefault'
    for _, row in ipairs(rows) do
      local cell = row.cells[j]
      numeric = numeric and #row.cells == #tbl.colspecs and looks_numeric(cell)
    end
    if numeric then tbl.colspecs[j] = { 'AlignRight', spec[2] } end
  end
end

local function number_table(tbl)
  align_numbers(tbl)
  local label = label_of(tbl)
  local caption = tbl.caption.long
  if is_float(label) then
    tbl.identifier = ''
    tbl.caption = { long = {} }
  end
  -- On a narrow screen the table scrolls, not the page.
  local scroller = pandoc.Div({ tbl }, { class = 'table-scroll' })
  if not is_float(label) then return scroller end
  return float(label, tbl.classes, { scroller }, pandoc.utils.blocks_to_inlines(caption))
end

-- Sections count whether or not their numbers are shown; the highest level in use is the first.
local function number_headers(blocks)
  local top = 7
  blocks:walk { Header = function(header) top = math.min(top, header.level) end }
  blocks:walk {
    Header = function(header)
      if header.classes:includes('unnumbered') then return nil end
      local level = header.level - top + 1
      for i = level + 1, #sections do sections[i] = nil end
      for i = 1, level do sections[i] = (sections[i] or 0) + (i == level and 1 or 0) end
      if kind_of(header.identifier) == 'sec' then register(header.identifier, table.concat(sections, '.')) end
    end,
  }
end

-- References -------------------------------------------------------------------------------------------------------

local function resolve(cite)
  local inlines = pandoc.Inlines {}
  for i, citation in ipairs(cite.citations) do
    local id = citation.id:sub(1, 1):lower() .. citation.id:sub(2)
    local name = NAMES[kind_of(id) or '']
    if not name then return nil end
    if not entries[id] then fail('there is no @' .. id .. ' on this page') end
    local text = pandoc.Inlines {}
    if #citation.prefix > 0 then
      text:extend(citation.prefix)
      text:insert(pandoc.Str(NBSP))
    elseif citation.mode ~= 'SuppressAuthor' then
      text:insert(pandoc.Str(name .. NBSP))
    end
    text:insert(pandoc.Str(entries[id]))
    if i > 1 then inlines:extend { pandoc.Str(','), pandoc.Space() } end
    inlines:insert(pandoc.Link(text, '#' .. id, '', { class = 'quarto-xref' }))
  end
  return inlines
end

local function describe(image)
  local alt = image.attributes['fig-alt']
  if not alt then return nil end
  image.attributes['fig-alt'] = nil
  image.caption = pandoc.Inlines(alt)
  return image
end

-- The page ---------------------------------------------------------------------------------------------------------

local function finish(doc)
  local first = doc.blocks[1]
  -- As in Quarto: the first heading is the title where the front matter has none.
  if not doc.meta.title and first and first.t == 'Header' and first.level == 1 then
    doc.meta.title = doc.blocks:remove(1).content
  end
  local title = doc.meta.title and words(doc.meta.title) or ''
  local site = stringify(doc.meta['site-title'] or '')
  local parts = pandoc.List()
  if title ~= '' then parts:insert(title) end
  if site ~= '' and site ~= title then parts:insert(site) end
  doc.meta.pagetitle = #parts > 0 and table.concat(parts, ' – ') or 'Untitled'
  if doc.meta.description then doc.meta['description-text'] = words(doc.meta.description) end
  number_headers(doc.blocks)
  return doc
end

return {
  { Div = shape },
  { Div = number_div, Figure = number_figure, Table = number_table },
  { Pandoc = finish },
  { Cite = resolve, Image = describe },
}
