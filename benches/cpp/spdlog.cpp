// C++ spdlog under the same scenarios as the children of the harness: same arguments, same line of JSON.
//
//     spdlog-cpp SCENARIO DIR RECORDS
//
// The file sink is synchronous: the call writes into the buffer of a FILE under a lock.

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t warm_up = 1000;

struct Event {
    std::uint64_t id;
    const char* ip;
    double ms;
};

Event event(std::uint64_t id) {
    static const char* const addresses[] = {"10.0.0.1",      "192.168.17.254", "172.16.3.99",    "203.0.113.7",
                                            "198.51.100.23", "2001:db8::1",    "10.255.255.254", "8.8.4.4"};
    return {id, addresses[id % 8], static_cast<double>(id % 9973) / 100.0};
}

std::uint64_t ticks() {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
#endif
}

double ticks_per_ns() {
    const auto begun = Clock::now();
    const auto first = ticks();
    while (Clock::now() - begun < std::chrono::milliseconds(50)) {
    }
    const auto last = ticks();
    return static_cast<double>(last - first) / std::chrono::duration<double, std::nano>(Clock::now() - begun).count();
}

double cpu_ns() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto ns = [](const timeval& time) { return time.tv_sec * 1e9 + time.tv_usec * 1e3; };
    return ns(usage.ru_utime) + ns(usage.ru_stime);
}

long peak_rss_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind("VmHWM:", 0) == 0) {
            return std::atol(line.c_str() + 6) * 1024;
        }
    }
    return 0;
}

using Logger = std::shared_ptr<spdlog::logger>;

Logger start(const std::string& dir, bool json, bool two) {
    std::vector<spdlog::sink_ptr> sinks;
    sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(dir + "/first.log"));
    if (two) {
        sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(dir + "/second.log"));
    }
    auto logger = std::make_shared<spdlog::logger>("bench", sinks.begin(), sinks.end());
    if (json) {
        logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%f%z","level":"%l","message":"%v})");
    }
    return logger;
}

void message(const Logger& logger, const Event& e) {
    logger->info("user {} logged in from {} in {} ms", e.id, e.ip, e.ms);
}

// spdlog 1.10 has no fields: they are written by hand into the text, unescaped. A real program would pay more.
void fields(const Logger& logger, const Event& e) {
    logger->info(R"(user {} logged in from {} in {} ms","id":{},"ip":"{}","ms":{},"tenant":"{}","attempt":{})", e.id,
                 e.ip, e.ms, e.id, e.ip, e.ms, "acme", 3);
}

void throughput(Logger logger, std::uint64_t records, std::uint64_t threads, bool json) {
    const auto share = records / threads;
    std::atomic<bool> open{false};
    std::vector<std::thread> workers;
    for (std::uint64_t thread = 0; thread < threads; ++thread) {
        workers.emplace_back([&, thread] {
            while (!open.load()) {
                std::this_thread::yield();
            }
            for (auto id = thread * share; id < (thread + 1) * share; ++id) {
                json ? fields(logger, event(id)) : message(logger, event(id));
            }
        });
    }
    const auto cpu = cpu_ns();
    const auto begun = Clock::now();
    open.store(true);
    for (auto& worker : workers) {
        worker.join();
    }
    const std::chrono::duration<double> called = Clock::now() - begun;
    logger.reset();
    const std::chrono::duration<double> took = Clock::now() - begun;
    const auto total = static_cast<double>(share * threads);
    std::printf("{\"records\":%.0f,\"records_per_second\":%f,\"calls_per_second\":%f,\"cpu_ns_per_record\":%f,"
                "\"peak_rss_bytes\":%ld}\n",
                total, total / took.count(), total / called.count(), (cpu_ns() - cpu) / total, peak_rss_bytes());
}

void latency(Logger logger, std::uint64_t records, double gap_ns) {
    const auto rate = ticks_per_ns();
    const auto gap = static_cast<std::uint64_t>(gap_ns * rate);
    std::vector<std::uint64_t> times(records, ~0ULL);
    for (std::uint64_t id = 0; id < warm_up; ++id) {
        message(logger, event(id));
    }
    auto due = ticks();
    for (std::uint64_t n = 0; n < records; ++n) {
        due += gap;
        const auto e = event(warm_up + n);
        auto before = ticks();
        while (gap > 0 && before < due) {
            before = ticks();
        }
        message(logger, e);
        times[n] = ticks() - before;
    }
    logger.reset();
    std::sort(times.begin(), times.end());
    const double quantiles[] = {0.0,  0.01, 0.05, 0.1,   0.2,   0.3,   0.4,    0.5,    0.6,     0.7, 0.8,
                                0.9,  0.95, 0.98, 0.99,  0.995, 0.998, 0.999,  0.9995, 0.9999,  0.99999, 1.0};
    std::printf("{\"records\":%lu,\"quantiles_ns\":[", static_cast<unsigned long>(records + warm_up));
    const char* comma = "";
    for (const auto q : quantiles) {
        const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(records)));
        std::printf("%s[%g,%.0f]", comma, q, static_cast<double>(times[rank == 0 ? 0 : rank - 1]) / rate);
        comma = ",";
    }
    std::printf("]}\n");
}

void disabled(Logger logger, std::uint64_t records) {
    const auto begun = Clock::now();
    for (std::uint64_t id = 0; id < records; ++id) {
        const auto e = event(id);
        logger->debug("user {} logged in from {} in {} ms", e.id, e.ip, e.ms);
        asm volatile("" : : "r"(&e) : "memory");
    }
    const std::chrono::duration<double, std::nano> took = Clock::now() - begun;
    const auto again = Clock::now();
    for (std::uint64_t id = 0; id < records; ++id) {
        const auto e = event(id);
        asm volatile("" : : "r"(&e) : "memory");
    }
    const std::chrono::duration<double, std::nano> empty = Clock::now() - again;
    const auto ns = std::max(0.0, (took - empty).count() / static_cast<double>(records));
    std::printf("{\"records\":0,\"disabled_ns\":%f}\n", ns);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        return 2;
    }
    const std::string scenario = argv[1];
    const auto records = static_cast<std::uint64_t>(std::atoll(argv[3]));
    const bool json = scenario == "throughput-json";
    auto logger = start(argv[2], json, scenario == "throughput-two");
    if (scenario.rfind("throughput", 0) == 0) {
        throughput(std::move(logger), records, scenario == "throughput-4" ? 4 : 1, json);
    } else if (scenario == "latency-full") {
        latency(std::move(logger), records, 0);
    } else if (scenario == "latency-paced") {
        latency(std::move(logger), records, 1e9 / 100000);
    } else if (scenario == "disabled") {
        disabled(std::move(logger), records);
    } else {
        for (std::uint64_t id = 0; id < records; ++id) {
            message(logger, event(id));
        }
        if (scenario == "lost-kill") {
            raise(SIGKILL);
        } else if (scenario == "lost-abort") {
            std::abort();
        }
        std::exit(0);
    }
    return 0;
}
