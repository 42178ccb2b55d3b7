//! The lexical benchmark by tantivy: the same files, the same question.
//!
//!     lexical-peer-tantivy DIR [passes]

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{IndexRecordOption, Schema, TextFieldIndexing, TextOptions, FAST};
use tantivy::tokenizer::{Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer, TokenStream};
use tantivy::{doc, Index, IndexWriter, Term};

const LIMIT: usize = 100;
const STOP: &str = "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will with";

/// Processor time of this process in seconds.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/schedstat").expect("schedstat");
    stat.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(64))
        .filter(LowerCaser)
        .filter(StopWordFilter::remove(STOP.split(' ').map(String::from)))
        .filter(Stemmer::new(Language::English))
        .build()
}

fn main() -> tantivy::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let dir = Path::new(args.get(1).expect("the folder"));
    let passes: usize = args.get(2).map_or(5, |s| s.parse().expect("passes"));

    let mut schema = Schema::builder();
    let indexing = TextFieldIndexing::default().set_tokenizer("bench").set_index_option(IndexRecordOption::WithFreqs);
    let text = schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
    let line = schema.add_u64_field("line", FAST);
    let schema = schema.build();

    let path = dir.join("tantivy.index");
    let fresh = !path.exists();
    fs::create_dir_all(&path)?;
    let index = if fresh { Index::create_in_dir(&path, schema)? } else { Index::open_in_dir(&path)? };
    index.tokenizers().register("bench", analyzer());
    if fresh {
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 500_000_000)?;
        for (i, t) in fs::read_to_string(dir.join("texts.txt"))?.lines().enumerate() {
            writer.add_document(doc!(text => t, line => i as u64))?;
        }
        writer.commit()?;
        let ids = index.searchable_segment_ids()?;
        if ids.len() > 1 {
            writer.merge(&ids).wait()?;
        }
        writer.wait_merging_threads()?;
    }
    let searcher = index.reader()?.searcher();
    println!("tantivy: {} segments, {} texts", searcher.segment_readers().len(), searcher.num_docs());

    let asked = fs::read_to_string(dir.join("queries.txt"))?;
    let queries: Vec<&str> = asked.lines().collect();
    let mut analyzer = analyzer();
    let mut run = |q: &str| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        let mut stream = analyzer.token_stream(q);
        while stream.advance() {
            *counts.entry(stream.token().text.clone()).or_default() += 1;
        }
        let clauses: Vec<(Occur, Box<dyn Query>)> = counts
            .into_iter()
            .map(|(t, n)| {
                let term: Box<dyn Query> = Box::new(TermQuery::new(Term::from_field_text(text, &t), IndexRecordOption::WithFreqs));
                (Occur::Should, if n == 1 { term } else { Box::new(BoostQuery::new(term, n as f32)) })
            })
            .collect();
        searcher.search(&BooleanQuery::new(clauses), &TopDocs::with_limit(LIMIT)).expect("search")
    };

    let mut top = fs::File::create(dir.join("tantivy.top"))?;
    for q in &queries {
        let ids: Vec<String> = run(q)
            .iter()
            .map(|(_, at)| {
                let lines = searcher.segment_reader(at.segment_ord).fast_fields().u64("line").expect("line");
                lines.first(at.doc_id).unwrap().to_string()
            })
            .collect();
        writeln!(top, "{}", ids.join(" "))?;
    }
    let mut rates = Vec::new();
    for _ in 0..passes {
        let began = cpu();
        for q in &queries {
            run(q);
        }
        rates.push(queries.len() as f64 / (cpu() - began));
    }
    rates.sort_by(f64::total_cmp);
    println!("tantivy: {} queries, top {}: {:.0} queries per CPU-second (median of {})", queries.len(), LIMIT, rates[passes / 2], passes);
    Ok(())
}
