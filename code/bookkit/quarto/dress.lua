-- Gives Quarto's web pages what the preview's have: numbers and narrow drawings of pictures, terms, tables that sort;
-- and leaves out of its PDF what only a web page needs.
-- Pictures carry the first two as metadata (p2prisk.figures.fingerprint.laden), which are taken out of them here.
local narrow_screens = "(max-width: 47rem), (min-width: 55.01rem) and (max-width: 66rem)" -- as in bookkit/html.py
local entities = { ["&lt;"] = "<", ["&gt;"] = ">", ["&quot;"] = '"', ["&#x27;"] = "'", ["&amp;"] = "&" }

local function read(path)
  local file = io.open(path, "r")
  if not file then return nil end
  local words = file:read("a")
  file:close()
  return words
end

local function write(path, words)
  local file = assert(io.open(path, "w"))
  file:write(words)
  file:close()
end

local function html(words) return pandoc.RawInline("html", words) end

local function dressed(image)
  local drawn = image.src:match("%.svg$") and read(image.src)
  if not drawn then return nil end
  local stem, door, narrow = image.src:sub(1, -5), nil, nil
  drawn = drawn:gsub('<metadata class="([^"]+)">(.-)</metadata>', function(kind, words)
    words = words:gsub("&[#%w]+;", entities)
    if kind == "text/csv" then
      write(stem .. ".csv", words)
      door = html(' <a class="numbers" href="' .. stem .. '.csv" download>Data</a>')
    else
      write(stem .. "-narrow.svg", words)
      narrow = html('<picture><source media="' .. narrow_screens .. '" srcset="' .. stem .. '-narrow.svg">')
    end
    return ""
  end)
  write(image.src, drawn)
  local shown = pandoc.Inlines({ html('<a class="alone" href="' .. image.src .. '">') })
  if narrow then shown:insert(narrow) end
  shown:insert(image)
  if narrow then shown:insert(html("</picture>")) end
  shown:insert(html("</a>"))
  if door then shown:insert(door) end
  return shown
end

-- no line ends between a number and its per cent sign
local function bound(inlines)
  for i = #inlines - 2, 1, -1 do
    local number, space, sign = inlines[i], inlines[i + 1], inlines[i + 2]
    if number.t == "Str" and (space.t == "Space" or space.t == "SoftBreak") and sign.t == "Str"
        and number.text:match("%d$") and sign.text:match("^%%") then
      inlines[i] = pandoc.Str(number.text .. "\u{a0}" .. sign.text)
      inlines:remove(i + 2)
      inlines:remove(i + 1)
    end
  end
  return inlines
end

-- in a table an interval and a day stand on one line; as WHOLE in bookkit/tables.py
local function number(words) return words:match("^[%(%[−+-]*%d[%d.,%-]*[\u{a0}%%]*[%)%],.;:]*$") end

local function unbroken(tbl)
  return tbl:walk({ Inlines = function(inlines)
    for i = #inlines, 1, -1 do
      local first, gap, to, more, last = table.unpack(inlines, i, math.min(i + 4, #inlines))
      local function is(item, kind) return item and item.t == kind end
      if is(first, "Str") and number(first.text) and is(gap, "Space") and is(to, "Str") then
        local words, ends
        if to.text == "to" and is(more, "Space") and is(last, "Str") and number(last.text) then
          words, ends = first.text .. "\u{a0}to\u{a0}" .. last.text, 4
        elseif first.text:match("^[%(%[].*[,;]$") and to.text:match("%d[%)%]]") then
          words, ends = first.text .. "\u{a0}" .. to.text, 2
        end
        if words then
          inlines[i] = pandoc.Str(words)
          for _ = 1, ends do inlines:remove(i + 1) end
        end
      end
    end
    for i, each in ipairs(inlines) do
      local words = each.t == "Str" and each.text or ""
      if words:match("^%(?%d%d%d%d%-%d%d") or words:match("%d–[−+%d]") or words:match("\u{a0}") then
        inlines[i] = pandoc.Span({ each }, pandoc.Attr("", { "whole" }))
      end
    end
    return inlines
  end })
end

local function cells(line)
  local found, at = {}, 1
  while at <= #line do
    local words, stop = "", line:find(",", at, true) or #line + 1
    if line:sub(at, at) == '"' then
      local close = at
      repeat -- a quote that is doubled is one of the words
        local start = close + 1
        close = line:find('"', start, true)
        words = words .. line:sub(start, close)
        if line:sub(close + 1, close + 1) == '"' then close = close + 1 else start = nil end
      until not start
      words, stop = words:sub(1, -2), close + 1
    else
      words = line:sub(at, stop - 1)
    end
    found[#found + 1], at = words, stop + 1
  end
  return found
end

-- the glossary, where the project has one: page, term with its Chinese, meaning
local function terms()
  local words, rows = read((quarto.project.directory or ".") .. "/data/glossary.csv"), {}
  for line in (words or ""):gmatch("[^\r\n]+") do
    local row = cells(line)
    rows[#rows + 1] = { "chapters/glossary.html", row[2] .. " " .. row[3], row[4] }
  end
  table.remove(rows, 1)
  return pandoc.json.encode(rows):gsub("</", "<\\/")
end

local function page(doc)
  quarto.doc.include_text("in-header", "<script>window.bookTerms=" .. terms() .. ";</script>")
  quarto.doc.add_html_dependency({
    name = "reader", version = "1", stylesheets = { "../assets/reader.css" },
    scripts = { { path = "../assets/reader.js", afterBody = true } },
  })
  return doc
end

if quarto.doc.is_format("html") then return { { Image = dressed }, { Inlines = bound }, { Table = unbroken }, { Pandoc = page } } end
local function within(open, blocks)
  local all = pandoc.Blocks({ pandoc.RawBlock("typst", open) })
  all:extend(blocks)
  all:insert(pandoc.RawBlock("typst", "]"))
  return all
end

-- ways into the web edition, where a PDF has its contents; findings smaller
local function fitted(div)
  if div.classes:includes("doors") then return {} end
  if div.classes:includes("findings") then return within("#[#set text(size: 9pt); #set par(leading: 0.5em)", div.content) end
end

-- what no picture comes before
local function first(para)
  if pandoc.utils.stringify(para):match("^The answer first%.") then return within("#answer[", { para }) end
end

-- the limits before a chapter's key takeaways stay with them, so that no page holds these alone; as in bookkit/pdf.py
local function kept(blocks)
  for i = #blocks, 2, -1 do
    local before, kind = blocks[i - 1], blocks[i].attributes and blocks[i].attributes.__quarto_custom_type
    if kind == "Callout" and (before.t == "Para" or before.t == "BulletList")
        and pandoc.utils.stringify(blocks[i]):match("^Key takeaways") then
      blocks:remove(i - 1)
      for place, block in ipairs(within("#block(sticky: true)[", { before })) do blocks:insert(i + place - 2, block) end
    end
  end
  return blocks
end

if quarto.doc.is_format("typst") then return { { Div = fitted, Para = first, Blocks = kept }, { Table = unbroken } } end
