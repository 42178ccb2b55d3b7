// Measures FAISS on a data set of `quarry bench engine data`, one thread: set
// OMP_NUM_THREADS=1.
//
//   faiss DIR build FACTORY EFC INDEX     build, save, print processor time
//   faiss DIR search INDEX FILTER EF...   recall@10 and queries per CPU-second
//
// FACTORY is what faiss::index_factory takes: HNSW16,Flat, or HNSW16_SQ8, or
// IVF2048_HNSW32,PQ192x4fs. EFC is efConstruction of a graph; an inverted file
// has none, so any number does. EF is efSearch of a graph, nprobe of an inverted
// file. FILTER is -1 for none, else the bit of filters.u16, for an IDSelector;
// an index that has none in this version prints no line.
//
// What codes find is scored again by the vectors of base.fbin, as
// IndexRefineFlat would, which takes no IDSelector: twice the wanted rows of
// 8-bit codes, twenty times of 4-bit ones.
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFFastScan.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/FaissAssert.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/index_factory.h>
#include <faiss/index_io.h>
#include <faiss/utils/distances.h>
#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../dataset.h"

namespace {

using Label = int64_t;  // faiss::idx_t

using namespace peers;

void build(const std::string& dir, const std::string& factory, int efc, const std::string& file) {
  Matrix base(dir + "/base.fbin");
  long before = residentBytes();
  double began = cpuSeconds();
  std::unique_ptr<faiss::Index> index(faiss::index_factory(base.dim, factory.c_str()));
  if (auto* hnsw = dynamic_cast<faiss::IndexHNSW*>(index.get())) hnsw->hnsw.efConstruction = efc;
  index->train(base.rows, base.data.data());
  index->add(base.rows, base.data.data());
  double took = cpuSeconds() - began;
  char line[300];
  snprintf(line, sizeof line, "build %s efc=%d rows=%u cpu_s=%.1f bytes_per_vector=%.0f\n", factory.c_str(), efc,
           base.rows, took, double(residentBytes() - before) / base.rows);
  fputs(line, stdout);
  faiss::write_index(index.get(), file.c_str());
  std::ofstream(file + ".txt") << line;
}

// Searcher finds the nearest rows of one query at a time.
class Searcher {
 public:
  Searcher(faiss::Index* index, const Matrix* base, const faiss::IDSelector* filter) : index_(index), base_(base) {
    hnsw_ = dynamic_cast<faiss::IndexHNSW*>(index);
    ivf_ = dynamic_cast<faiss::IndexIVF*>(index);
    if (!hnsw_ && !ivf_) throw std::runtime_error("neither a graph nor an inverted file");
    ofHNSW_.sel = ofIVF_.sel = const_cast<faiss::IDSelector*>(filter);
    fast_ = dynamic_cast<faiss::IndexIVFFastScan*>(index);
    if (fast_) {
      keep_ = 20 * kNeighbors;
    } else if (ivf_ || dynamic_cast<faiss::IndexScalarQuantizer*>(hnsw_->storage)) {
      keep_ = 2 * kNeighbors;
    }
    distances_.resize(keep_);
    labels_.resize(keep_);
  }

  bool filters() const { return !fast_; }

  void setEf(int ef) {
    ofHNSW_.efSearch = std::max(ef, keep_);
    if (hnsw_) hnsw_->hnsw.efSearch = ofHNSW_.efSearch; // 1.7.3 sizes its queue by this one
    ofIVF_.nprobe = ef;
    if (ivf_) ivf_->nprobe = ef;
  }

  const std::vector<Label>& search(const float* query) {
    const faiss::SearchParameters* parameters = nullptr;
    if (hnsw_) parameters = &ofHNSW_;
    if (ivf_ && !fast_) parameters = &ofIVF_;
    labels_.resize(keep_);
    index_->search(1, query, keep_, distances_.data(), labels_.data(), parameters);
    if (keep_ > kNeighbors) rescore(query);
    return labels_;
  }

 private:
  void rescore(const float* query) {
    best_.clear();
    for (Label row : labels_) {
      if (row >= 0) best_.emplace_back(-faiss::fvec_inner_product(query, base_->row(row), base_->dim), row);
    }
    size_t n = std::min<size_t>(kNeighbors, best_.size());
    std::partial_sort(best_.begin(), best_.begin() + n, best_.end());
    labels_.clear();
    for (size_t i = 0; i < n; i++) labels_.push_back(best_[i].second);
  }

  faiss::Index* index_;
  const Matrix* base_;
  faiss::IndexHNSW* hnsw_;
  faiss::IndexIVF* ivf_;
  faiss::IndexIVFFastScan* fast_;
  faiss::SearchParametersHNSW ofHNSW_;
  faiss::SearchParametersIVF ofIVF_;
  int keep_ = kNeighbors;
  std::vector<float> distances_;
  std::vector<Label> labels_;
  std::vector<std::pair<float, Label>> best_;
};

// search measures each ef.
void search(const std::string& dir, const std::string& file, int filter, const std::vector<int>& efs) {
  Matrix base(dir + "/base.fbin"), queries(dir + "/queries.fbin");
  auto truth = readTruth(dir, queries);
  std::unique_ptr<faiss::Index> index(faiss::read_index(file.c_str()));
  std::vector<uint8_t> bits((base.rows + 7) / 8);
  if (filter >= 0) {
    auto masks = readList<uint16_t>(dir + "/filters.u16", base.rows);
    for (size_t i = 0; i < masks.size(); i++) bits[i / 8] |= (masks[i] >> filter & 1) << i % 8;
  }
  faiss::IDSelectorBitmap selector(base.rows, bits.data());
  Searcher searcher(index.get(), &base, filter >= 0 ? &selector : nullptr);
  if (filter >= 0 && !searcher.filters()) return;
  for (int ef : efs) {
    searcher.setEf(ef);
    measure(queries, truth, filter, ef, [&](const float* query) { return searcher.search(query); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    omp_set_num_threads(1);
    std::string mode = argc > 2 ? argv[2] : "";
    if (mode == "build" && argc == 6) {
      build(argv[1], argv[3], atoi(argv[4]), argv[5]);
      return 0;
    }
    if (mode == "search" && argc > 5) {
      std::vector<int> efs;
      for (int i = 5; i < argc; i++) efs.push_back(atoi(argv[i]));
      search(argv[1], argv[3], atoi(argv[4]), efs);
      return 0;
    }
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
  std::cerr << "usage: faiss DIR build FACTORY EFC INDEX | faiss DIR search INDEX FILTER EF...\n";
  return 2;
}
